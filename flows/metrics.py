"""What a run, and a lake, tell Prometheus."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from flows.health import FlowHealth
from flows.summary import RunSummary, Summary

if TYPE_CHECKING:
    from flows.status import LakeStatus

RUN: Final = ("lake", "flow", "dataset")
RUN_METRICS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "pulselake_run_started_timestamp_seconds": ("When the run began.", ()),
    "pulselake_run_ended_timestamp_seconds": ("When the run ended; 0 while it works.", ()),
    "pulselake_run_outcome": (
        "1 for how the run stands: running, done or failed; 0 for the others.",
        ("outcome",),
    ),
    "pulselake_run_last_good_timestamp_seconds": (
        "When the flow last ended well on this dataset; absent where it never has.",
        (),
    ),
    "pulselake_run_step_seconds": ("Seconds that a step has taken.", ("step",)),
    "pulselake_run_records": (
        "Records of the source, by outcome: ingested, unchanged, quarantined, vanished.",
        ("outcome",),
    ),
    "pulselake_run_windows": (
        "Windows of 4 s, or signals of them, that a step made: ingest, backfill, annotate, audit.",
        ("step",),
    ),
    "pulselake_run_read_bytes": ("Bytes of the source's files that were ingested.", ()),
    "pulselake_run_items": (
        "Records or shards of a step, by outcome: done, retried (attempts), quarantined.",
        ("step", "outcome"),
    ),
    "pulselake_run_queue": (
        "Records or shards of a step by where they are: waiting, in_hand.",
        ("step", "place"),
    ),
    "pulselake_run_devices": ("Devices, or actors without one, that have filled.", ()),
    "pulselake_run_device_busy_ratio": (
        "Share of the time since its first shard for which a device was busy, over all.",
        (),
    ),
    "pulselake_run_inputs_quarantined": ("What is in quarantine at the run's end.", ()),
    "pulselake_run_peak_memory_bytes": ("Peak memory of the run's largest process.", ()),
}
"""Metrics of a run, by name: what they say, and their labels beside ``RUN``."""

LAKE_METRICS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "pulselake_lake_last_good_timestamp_seconds": (
        "When a flow last ended well on a dataset.",
        ("flow", "dataset"),
    ),
    "pulselake_lake_last_run_failed": (
        "1 where a flow's newest run on a dataset has failed, else 0.",
        ("flow", "dataset"),
    ),
    "pulselake_lake_inputs_quarantined": ("What is in quarantine.", ()),
    "pulselake_lake_waiting": ("What the next night would do, by dataset.", ("dataset", "step")),
    "pulselake_lake_rows": ("Rows of a table.", ("table",)),
}
"""Metrics of a lake, by name: what they say, and their labels beside ``lake``."""

Value = tuple[str, tuple[str, ...], float]
"""A metric's name, its labels' values, and its own."""


class RunMetrics(Collector):
    """A run as it is when it is asked: nothing has to be pushed while it works."""

    def __init__(self, summary: Summary, started: datetime, good_at: datetime | None) -> None:
        self._summary = summary
        self._started = started
        self._good_at = good_at
        self._ended_at: datetime | None = None

    def end(self, at: datetime) -> None:
        """Say that the run is over; its outcome is the summary's."""
        self._ended_at = at
        if self._summary.outcome == "done":
            self._good_at = at

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give what the run is at now."""
        run = (self._summary.lake, self._summary.flow, self._summary.dataset)
        return _families(RUN_METRICS, RUN, run, self._values())

    def _values(self) -> Iterator[Value]:
        outcome = self._summary.outcome if self._ended_at else "running"
        yield "pulselake_run_started_timestamp_seconds", (), self._started.timestamp()
        ended = self._ended_at.timestamp() if self._ended_at else 0.0
        yield "pulselake_run_ended_timestamp_seconds", (), ended
        for each in ("running", "done", "failed"):
            yield "pulselake_run_outcome", (each,), float(each == outcome)
        if self._good_at:
            yield "pulselake_run_last_good_timestamp_seconds", (), self._good_at.timestamp()
        yield "pulselake_run_peak_memory_bytes", (), self._summary.peak_rss_mib * 2**20
        if isinstance(self._summary, RunSummary):
            yield from _counted(self._summary, over=self._ended_at is not None)


class LakeMetrics(Collector):
    """A lake as ``pulselake status`` saw it."""

    def __init__(self, status: "LakeStatus") -> None:
        self._status = status

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give what was seen."""
        return _families(LAKE_METRICS, ("lake",), (self._status.lake,), self._values())

    def _values(self) -> Iterator[Value]:
        for health in self._status.flows:
            yield from _of_flow(health)
        yield "pulselake_lake_inputs_quarantined", (), self._status.quarantined
        for dataset, steps in (self._status.waiting or {}).items():
            for step, count in steps.items():
                yield "pulselake_lake_waiting", (dataset, step), count
        for table, rows in self._status.tables.items():
            yield "pulselake_lake_rows", (table,), rows


def _of_flow(health: FlowHealth) -> Iterator[Value]:
    labels = (health.flow, health.dataset)
    if health.good_at:
        yield "pulselake_lake_last_good_timestamp_seconds", labels, health.good_at.timestamp()
    yield "pulselake_lake_last_run_failed", labels, float(health.outcome == "failed")


def _counted(summary: RunSummary, *, over: bool) -> Iterator[Value]:
    """Give a summary's counts; other threads may be adding to it."""
    for step, seconds in list(summary.timings.items()):
        yield "pulselake_run_step_seconds", (step,), seconds
    yield from _by("pulselake_run_records", _records(summary))
    yield from _by("pulselake_run_windows", _windows(summary))
    yield "pulselake_run_read_bytes", (), summary.bytes_read
    for step, items in list(summary.items.items()):
        for outcome in ("done", "retried", "quarantined"):
            yield "pulselake_run_items", (step, outcome), getattr(items, outcome)
        # Whatever a run has left when it ends is no longer in a queue.
        yield "pulselake_run_queue", (step, "waiting"), 0 if over else items.waiting
        yield "pulselake_run_queue", (step, "in_hand"), 0 if over else items.in_hand
    yield "pulselake_run_devices", (), summary.devices
    if summary.device_busy_share is not None:
        yield "pulselake_run_device_busy_ratio", (), summary.device_busy_share
    if over and summary.outcome == "done":
        yield "pulselake_run_inputs_quarantined", (), summary.inputs_quarantined


def _records(summary: RunSummary) -> dict[str, int]:
    return {
        "ingested": summary.records_ingested,
        "unchanged": summary.records_unchanged,
        "quarantined": summary.records_quarantined,
        "vanished": len(summary.records_vanished),
    }


def _windows(summary: RunSummary) -> dict[str, int]:
    filled = [sum(of_task.values()) for of_task in list(summary.backfilled.values())]
    return {
        "ingest": summary.windows,
        "backfill": sum(filled),
        "annotate": sum(list(summary.annotated.values())),
        "audit": summary.windows_audited,
    }


def _by(name: str, counts: Mapping[str, int]) -> Iterator[Value]:
    for label, count in counts.items():
        yield name, (label,), count


def _families(
    known: Mapping[str, tuple[str, tuple[str, ...]]],
    first: tuple[str, ...],
    values_of_first: tuple[str, ...],
    values: Iterable[Value],
) -> Iterator[GaugeMetricFamily]:
    """Put values under their metrics, in the order in which those are declared."""
    families = {
        name: GaugeMetricFamily(name, said, labels=(*first, *labels))
        for name, (said, labels) in known.items()
    }
    for name, labels, value in values:
        families[name].add_metric((*values_of_first, *labels), value)
    yield from (family for family in families.values() if family.samples)
