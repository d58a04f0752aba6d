"""One run of a flow: its id, its summary, and its row in ``runs``, whatever happens."""

import json
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final, TypeVar

import polars as pl
from deltalake.exceptions import DeltaError

from flows.config import BackfillConfig, PlaceConfig
from flows.json_lines import json_lines
from flows.logs import about
from flows.measured import measured
from flows.restorers import named
from flows.summary import QuarantineLine, RunSummary, Summary
from flows.watching import Watching, watching
from ops.catalog import Plan
from ops.grade import GRADER_VERSION
from ops.ingest_record import READER_VERSION
from ops.lake import Lake
from ops.lake.lost import telling_lost
from schemas.runs import Run

_LIBRARIES: Final = (
    "pulselake",
    "polars",
    "pyarrow",
    "deltalake",
    "wfdb",
    "ray",
    "prefect",
    "numpy",
    "torch",
)
logger = logging.getLogger("pulselake")
events = logging.getLogger(__name__)

MOST_LISTED: Final = 200

Told = TypeVar("Told", bound=Summary)


def recorded_run(flow: str, config: PlaceConfig) -> AbstractContextManager[RunSummary]:
    """Record a run that reads or fills records; see ``recorded``."""
    return recorded(flow, config, RunSummary)


@contextmanager
def recorded(flow: str, config: PlaceConfig, summary_of: type[Told]) -> Iterator[Told]:
    """Time the block, collect its summary, and write a row of ``runs`` when it ends or fails.

    Raises:
        OSError: where the lake, or its metrics, can't be written, before anything is done.
        ValueError: where the environment says wrongly how to watch it.
    """
    by = watching()
    lake = Lake(config.lake)
    lake.location.prepare()
    started = datetime.now(UTC)
    clock = time.perf_counter()
    summary = summary_of(
        run_id=f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
        flow=flow,
        dataset=getattr(config, "dataset", ""),
        lake=lake.url,
    )
    with _watched(summary, lake, started, by):
        try:
            with telling_lost(lake.location):
                yield summary
        except BaseException as error:
            summary.outcome = "failed"
            summary.error = f"{type(error).__name__}: {error}"
            raise
        finally:
            summary.seconds = round(time.perf_counter() - clock, 3)
            summary.see_memory()
            _leave(lake, summary, _row(summary, config, started))


@contextmanager
def _watched(summary: Summary, lake: Lake, started: datetime, by: Watching) -> Iterator[None]:
    """Log and measure a run for the length of the block; see ``flows.watching``."""
    with ExitStack() as watched:
        if by.log_json:
            watched.enter_context(json_lines())
        told = about(run_id=summary.run_id, flow=summary.flow, dataset=summary.dataset)
        watched.enter_context(told)
        watched.enter_context(measured(summary, lake, started, by))
        events.info("run began")
        try:
            yield
        finally:
            extra = {"outcome": summary.outcome, "seconds": summary.seconds}
            if summary.error:
                extra["error"] = summary.error
            events.info("run ended", extra=extra)


def _leave(lake: Lake, summary: Summary, row: pl.DataFrame) -> None:
    """Write the run's row; where the run has failed already, its own error is the one to tell."""
    try:
        lake.put("runs", [row])
    except (OSError, DeltaError) as error:
        if summary.outcome != "failed":
            summary.outcome = "failed"
            raise
        logger.warning("the row of run %s could not be written: %s", summary.run_id, error)


def list_quarantine(lake: Lake, dataset: str, summary: RunSummary) -> None:
    """Put what is in quarantine into the summary, the first 200 by name."""
    rows = lake.scan("quarantine", dataset)
    lines = rows.select("path", "step", "reason").sort("path", "step").collect()
    summary.inputs_quarantined = lines.height
    summary.quarantined = [
        QuarantineLine(**line) for line in lines.head(MOST_LISTED).iter_rows(named=True)
    ]


def count_useless(lake: Lake, plan: Plan, summary: RunSummary) -> None:
    """Count the faulty records that gave neither window nor numeric, and all that are found.

    A record that ``RECORDS`` names and that has no header is one of them.
    """
    records = lake.scan("records", summary.dataset)
    named = lake.scan("quarantine", summary.dataset).filter(pl.col("record_id").is_not_null())
    faulty = pl.concat(
        [named.select("record_id"), records.filter(status="partial").select("record_id")]
    )
    windows = records.filter(pl.col("n_windows") > 0).select("record_id")
    empty = faulty.unique().join(windows, on="record_id", how="anti").collect()["record_id"]
    ids = set(empty) - _with_numerics(lake, summary.dataset, empty)
    summary.records_quarantined = len(ids.difference(plan.vanished))
    summary.records_unchanged = len(set(plan.unchanged) - ids)
    summary.records_found = (
        summary.records_ingested + summary.records_unchanged + summary.records_quarantined
    )


def _with_numerics(lake: Lake, dataset: str, record_ids: pl.Series) -> set[str]:
    """Tell which of some records have numerics; the table is left alone where there are none."""
    if record_ids.is_empty():
        return set()
    numerics = lake.scan("numerics", dataset).filter(
        pl.col("record_id").is_between(pl.lit(record_ids.min()), pl.lit(record_ids.max())),
        pl.col("record_id").is_in(record_ids.implode()),
    )
    return set(numerics.select("record_id").unique().collect()["record_id"])


def _row(summary: Summary, config: PlaceConfig, started: datetime) -> pl.DataFrame:
    versions = {name: version(name) for name in _LIBRARIES}
    versions |= {"reader": READER_VERSION, "grader": GRADER_VERSION}
    row = {
        "run_id": summary.run_id,
        "flow": summary.flow,
        "dataset": summary.dataset or None,
        "source": getattr(config, "source", None),
        "outcome": summary.outcome,
        "started_at": started,
        "seconds": summary.seconds,
        "config": _told(config).model_dump_json(exclude={"deid_key"}),
        "versions": json.dumps(versions),
        "summary": summary.model_dump_json(),
    }
    return Run.cast(pl.DataFrame([row], infer_schema_length=None))


def _told(config: PlaceConfig) -> PlaceConfig:
    """Say which restorer filled, where a checkpoint came without its name and can be read."""
    if not isinstance(config, BackfillConfig):
        return config
    try:
        return named(config)
    except (OSError, ValueError):
        return config
