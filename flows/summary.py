"""What a run did, for a person and for a program."""

import logging
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from flows.actors.counts import ItemCounts
from flows.logs import about

logger = logging.getLogger(__name__)

READS: Final = ("nightly", "ingest")
"""Flows that read records."""


class QuarantineLine(BaseModel):
    """One thing that could not be used."""

    path: str
    step: str
    reason: str


class Summary(BaseModel):
    """What every run tells of itself; ``peak_rss_mib`` is that of its largest process."""

    model_config = ConfigDict(extra="forbid")

    run_id: str
    flow: str
    dataset: str = ""
    lake: str
    outcome: str = "done"
    error: str | None = None
    seconds: float = 0.0
    peak_rss_mib: float = 0.0

    def see_memory(self, peak_rss_mib: float = 0.0) -> None:
        """Take in the peak of another process, and of this one."""
        here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        here_mib = here / (2**20 if sys.platform == "darwin" else 2**10)
        self.peak_rss_mib = round(max(self.peak_rss_mib, peak_rss_mib, here_mib), 1)

    def sentences(self) -> list[str]:
        """Say in words what happened."""
        return [self.error] if self.error else []

    def table(self) -> list[dict[str, Any]]:
        """Give the counts as rows of a table."""
        return []


class RunSummary(Summary):
    """Counts of one run; ``--json`` prints it.

    ``records_quarantined`` counts records of which nothing could be used, in this run or before;
    they are in neither of the other counts. ``windows`` and
    ``grades`` count what was ingested in this run, ``backfilled`` what was filled, by task and
    modality, ``annotated`` windows by the rhythm that is told. ``bytes_read`` are those of the
    files of records that were ingested, ``items`` counts records and shards by step.
    ``rows_changed`` counts rows added
    or replaced in any table but ``runs``. ``inputs_quarantined`` counts what is in ``quarantine``
    of the dataset, ``quarantined`` names the first 200. ``windows_audited`` counts those of this
    run, ``audit`` has the errors of all that tell of the lake as it is. ``timings`` are seconds by
    step. ``devices`` counts those that filled, or annotated where none did; ``device_busy_share``
    is the share of the time from first to last shard for which they worked.
    """

    records_found: int = 0
    records_ingested: int = 0
    records_unchanged: int = 0
    records_quarantined: int = 0
    records_vanished: list[str] = Field(default_factory=list)
    bytes_read: int = 0
    windows: int = 0
    numerics: int = 0
    grades: dict[str, dict[str, int]] = Field(default_factory=dict)
    backfilled: dict[str, dict[str, int]] = Field(default_factory=dict)
    backfill_abstained: int = 0
    annotated: dict[str, int] = Field(default_factory=dict)
    shards: int = 0
    shards_quarantined: int = 0
    items: dict[str, ItemCounts] = Field(default_factory=dict)
    rows_changed: int = 0
    inputs_quarantined: int = 0
    quarantined: list[QuarantineLine] = Field(default_factory=list)
    windows_audited: int = 0
    audit: list[dict[str, Any]] = Field(default_factory=list)
    files_compacted: int = 0
    timings: dict[str, float] = Field(default_factory=dict)
    devices: int = 0
    device_busy_share: float | None = None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the seconds that the block takes to ``timings``, less those of steps inside it."""
        clock, before = time.perf_counter(), sum(self.timings.values())
        try:
            with about(step=step):
                yield
        finally:
            inside = sum(self.timings.values()) - before
            took = max(time.perf_counter() - clock - inside, 0.0)
            self.timings[step] = round(self.timings.get(step, 0.0) + took, 3)
            logger.info("step ended", extra={"step": step, "seconds": round(took, 3)})

    def items_of(self, step: str) -> ItemCounts:
        """Give the counts of a step's items, to add to."""
        return self.items.setdefault(step, ItemCounts())

    def count_grade(self, modality: str, grade: str, count: int) -> None:
        """Add to ``grades``."""
        of_modality = self.grades.setdefault(modality, {})
        of_modality[grade] = of_modality.get(grade, 0) + count

    def count_backfill(self, task: str, modality: str, count: int) -> None:
        """Add to ``backfilled``."""
        of_task = self.backfilled.setdefault(task, {})
        of_task[modality] = of_task.get(modality, 0) + count

    def count_annotated(self, rhythm: str, count: int) -> None:
        """Add to ``annotated``."""
        self.annotated[rhythm] = self.annotated.get(rhythm, 0) + count

    def sentences(self) -> list[str]:
        """Say in words what happened."""
        said = []
        if self.flow in READS:
            said.append(
                f"{self.records_found} records found: {self.records_ingested} ingested, "
                f"{self.records_unchanged} unchanged and not read, "
                f"{self.records_quarantined} of no use."
            )
            if self.records_found == 0:
                said.append("No record was found: is the source the right one?")
        if self.records_vanished:
            gone = ", ".join(self.records_vanished[:5])
            said.append(f"No longer in the source, rows kept: {gone}.")
        if self.annotated:
            said.append(f"{sum(self.annotated.values())} windows annotated.")
        if self.rows_changed == 0 and self.outcome == "done":
            said.append("Nothing was new or changed: no row of the lake was changed.")
        if self.error:
            said.append(self.error)
        return said

    def table(self) -> list[dict[str, Any]]:
        """Give the counts as rows of a table: what, of which signal, how many."""
        rows = [
            {"what": f"{grade} windows", "signal": modality, "count": count}
            for modality, grades in self.grades.items()
            for grade, count in grades.items()
        ]
        rows += [
            {"what": f"{task} (synthetic)", "signal": modality, "count": count}
            for task, modalities in self.backfilled.items()
            for modality, count in modalities.items()
        ]
        rows += [
            {"what": f"rhythm {rhythm}", "signal": "", "count": count}
            for rhythm, count in self.annotated.items()
        ]
        return rows
