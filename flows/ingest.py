"""Records of a source into graded windows of a lake."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import polars as pl
from prefect import flow, task

from flows.actors.cluster import cluster
from flows.actors.pool import Pool
from flows.actors.reader import Reader
from flows.belt import Belt
from flows.config import IngestConfig
from flows.demographics import put_demographics, site_subjects
from flows.ingest_commit import commit_records, forget_vanished, quarantine_unread
from flows.naming import Naming
from flows.progress import Advance, progress
from flows.quarantine import CODE_VERSION
from flows.retrying import RETRIED
from flows.run import count_useless, list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from flows.unnamed import without_names
from ops.catalog import Known, Plan, PlannedRecord, plan_records
from ops.deidentify import HIDDEN_RECORD
from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.tidy import Tidy
from ops.unserved import SourceDownError, Unserved
from schemas.quarantine import RECORD_STEPS

RECORDS_A_BATCH: Final = 64


@flow(name="ingest")
def ingest(config: IngestConfig) -> RunSummary:
    """Read what is new or changed, grade it, commit it."""
    with recorded_run("ingest", config) as summary, ExitStack() as until_done:
        ingest_records(config, summary, until_done)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


@without_names
def ingest_records(config: IngestConfig, summary: RunSummary, until_done: ExitStack) -> None:
    """Ingest inside a run that is already open; a cluster stays up until the run is done."""
    with summary.timed("plan ingest"):
        subjects = site_subjects(config)  # a table that is none ends it before a record is read
        plan = plan_ingest(config)
        forget_vanished(config, plan, summary)
        quarantine_unread(config, plan, summary)
    if plan.to_read:
        with summary.timed("start workers"):
            until_done.enter_context(cluster(config.ray_address, config.workers))
        with summary.timed("read and grade"):
            read_records(plan.to_read, config, summary)
    with summary.timed("demographics"):
        put_demographics(config, subjects, summary)
    with summary.timed("compact"):
        count_useless(Lake(config.lake), plan, summary)
        for table in ("windows", "numerics", "records", "demographics", "quarantine", "runs"):
            summary.files_compacted += compact(Lake(config.lake).location, table)


def read_records(
    to_read: Sequence[PlannedRecord], config: IngestConfig, summary: RunSummary
) -> None:
    """Read records and commit them.

    Raises:
        SourceDownError: where the source gives none of many in a row; the rest is committed.
    """
    tidy = Tidy(Lake(config.lake).location)
    commit = partial(commit_records, config=config, summary=summary, tidy=tidy)
    make = partial(Reader, config, summary.run_id)
    unserved = Unserved(config.open_source().shown, refusals=True)
    summary.items_of("ingest").planned += len(to_read)
    with (
        Pool(
            make,
            config.workers,
            attempts=config.attempts,
            unserved=unserved,
            counts=summary.items_of("ingest"),
            called=partial(_called, Naming(config.deidentifier())),
        ) as pool,
        Belt(in_order(to_read), pool, commit, config.commit_every_s) as belt,
        progress(f"Reading records of {config.dataset}", len(to_read)) as advance,
    ):
        try:
            while not belt.is_through:
                read_batch(belt, advance)
        except SourceDownError:
            belt.settle()
            raise


def _called(naming: Naming, planned: PlannedRecord) -> dict[str, str]:
    """Say in a log which record is meant, by its name in the lake."""
    return {"record": naming.record(planned.record_id)}


def in_order(to_read: Sequence[PlannedRecord]) -> list[PlannedRecord]:
    """Put first, the largest first, what is a hundredth of the work or more: none comes last.

    The rest goes by name, so that what is committed together lies together.
    """
    sizes = {planned.record_id: sum(e.size for e in planned.entries) for planned in to_read}
    large = sum(sizes.values()) / 100

    def order(planned: PlannedRecord) -> tuple[int, str]:
        size = sizes[planned.record_id]
        return (-size if size >= large else 0, planned.record_id)

    return sorted(to_read, key=order)


@task(name="plan ingest", **RETRIED)
@without_names
def plan_ingest(config: IngestConfig) -> Plan:
    """Tell what of the source is new or changed, from one listing of it."""
    refuse_other_names(config)
    source = config.open_source()
    return plan_records(
        source,
        source.listing(),
        known_records(Lake(config.lake), config.dataset),
        CODE_VERSION,
        Naming(config.deidentifier()).hide if config.deidentify else None,
    )


def refuse_other_names(config: IngestConfig) -> None:
    """See that a dataset's subjects and records go by one kind of name.

    Raises:
        ValueError: where the lake has it de-identified otherwise, or not at all.
    """
    check = Naming(config.deidentifier()).check
    lake = Lake(config.lake)
    checks = lake.scan("records", config.dataset).select("names_check").unique().collect()
    if checks.is_empty() and check is not None:
        _refuse_names_left(lake, config.dataset)
    for other in checks["names_check"]:
        if other != check:
            was = "by its own names" if other is None else "de-identified under another key"
            message = (
                f"dataset {config.dataset} of {config.lake} was written {was}; a dataset has one "
                "kind of names: use the same key, or another dataset"
            )
            raise ValueError(message)


def _refuse_names_left(lake: Lake, dataset: str) -> None:
    """Refuse to hide names in a dataset in which a night that was cut short has left them."""
    for table in ("windows", "numerics"):
        ids = lake.scan(table, dataset).select("record_id").unique()
        if not ids.filter(~pl.col("record_id").str.contains(HIDDEN_RECORD)).collect().is_empty():
            message = (
                f"dataset {dataset} of {lake.url} has {table} by names of the source, left by a "
                "night cut short: finish that night, or name another dataset"
            )
            raise ValueError(message)


def known_records(lake: Lake, dataset: str) -> dict[str, Known]:
    """Tell what the lake knows of each record, in ``records`` or, if later, in ``quarantine``."""
    version = pl.format("reader {}, grader {}", "reader_version", "grader_version")
    read = lake.scan("records", dataset)
    given_up = lake.scan("quarantine", dataset).filter(
        pl.col("step").is_in(RECORD_STEPS), pl.col("record_id").is_not_null()
    )
    rows = pl.concat(
        [
            given_up.select(
                "record_id",
                "fingerprint",
                files=pl.concat_list("path"),
                version="code_version",
                at="created_at",
            ),
            read.select("record_id", "fingerprint", "files", version=version, at="ingested_at"),
        ],
        how="diagonal",
    )
    newest = rows.sort("at", maintain_order=True).unique("record_id", keep="last").collect()
    return {
        row["record_id"]: Known(
            row["record_id"], tuple(row["files"]), row["fingerprint"], row["version"]
        )
        for row in newest.iter_rows(named=True)
    }


@task(name="read batch", **RETRIED)
def read_batch(belt: Belt, advance: Advance) -> None:
    """Read some records and commit them in groups."""
    for group in belt.work_off(RECORDS_A_BATCH):
        advance(len(group))
