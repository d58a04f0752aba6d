"""Records of a source into graded windows of a lake."""

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Final

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from flows.actors.cluster import cluster
from flows.actors.pool import Done, Pool
from flows.actors.reader import Reader, ReadRecord
from flows.batches import batches, in_groups
from flows.config import IngestConfig
from flows.naming import Naming
from flows.progress import Advance, progress
from flows.quarantine import CODE_VERSION, failed, quarantine_rows
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from ops.catalog import Known, Plan, PlannedRecord, plan_records
from ops.lake import Lake
from ops.lake.compact import compact
from schemas.quarantine import RECORD_STEPS

logger = logging.getLogger("pulselake")

RECORDS_A_BATCH: Final = 64


@flow(name="ingest")
def ingest(config: IngestConfig) -> RunSummary:
    """Read what is new or changed, grade it, commit it."""
    with recorded_run("ingest", config) as summary:
        ingest_records(config, summary)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def ingest_records(config: IngestConfig, summary: RunSummary) -> None:
    """Ingest inside a run that is already open."""
    plan = plan_ingest(config)
    summary.records_found = plan.found
    summary.records_unchanged = len(plan.unchanged)
    summary.records_vanished = plan.vanished
    quarantine_unread(config, plan, summary)
    with (
        cluster(config.ray_address, config.workers if plan.to_read else 0),
        Pool(
            partial(Reader, config, summary.run_id), config.workers, attempts=config.attempts
        ) as pool,
        progress(f"Reading records of {config.dataset}", len(plan.to_read)) as advance,
    ):
        for batch in batches(plan.to_read, RECORDS_A_BATCH):
            read_batch(batch, config, pool, summary, advance)
    for table in ("windows", "numerics", "records", "quarantine"):
        summary.files_compacted += compact(Lake(config.lake).location, table)


@task(
    name="plan ingest", retries=2, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE
)
def plan_ingest(config: IngestConfig) -> Plan:
    """Tell what of the source is new or changed, from one listing of it."""
    source = config.open_source()
    return plan_records(
        source,
        source.listing(),
        known_records(Lake(config.lake), config.dataset),
        CODE_VERSION,
        Naming(config.deidentifier()).hide if config.deidentify else None,
    )


def known_records(lake: Lake, dataset: str) -> dict[str, Known]:
    """Tell what the lake knows of each record, in ``records`` or, if later, in ``quarantine``."""
    of_dataset = pl.col("dataset") == dataset
    version = pl.format("reader {}, grader {}", "reader_version", "grader_version")
    read = lake.scan("records").filter(of_dataset)
    given_up = lake.scan("quarantine").filter(
        of_dataset, pl.col("step").is_in(RECORD_STEPS), pl.col("record_id").is_not_null()
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


def quarantine_unread(config: IngestConfig, plan: Plan, summary: RunSummary) -> None:
    """Quarantine what planning could not use; rows that would say the same are left as they are."""
    naming = Naming(config.deidentifier())
    rows = quarantine_rows(
        [
            (
                naming.record(unread.record_id) if unread.record_id else None,
                unread.fingerprint,
                naming.fault(unread.fault, [unread.record_id] if unread.record_id else []),
            )
            for unread in plan.faults
        ],
        dataset=config.dataset,
        run_id=summary.run_id,
        now=datetime.now(UTC),
    )
    of_catalog = pl.col("step") == "catalog"
    records = rows.filter(~of_catalog)
    summary.records_quarantined += records["record_id"].n_unique()
    lake = Lake(config.lake)
    if records.height:
        gone = lake.put("quarantine", [records], replacing=records.select("dataset", "record_id"))
        summary.rows_changed += records.height + gone
    before = lake.scan("quarantine").filter(of_catalog, pl.col("dataset") == config.dataset)
    told = ["path", "reason", "fingerprint", "code_version"]
    catalog = rows.filter(of_catalog)
    if set(catalog.select(told).rows()) != set(before.select(told).collect().rows()):
        key = pl.DataFrame({"dataset": [config.dataset], "step": ["catalog"]})
        gone = lake.put("quarantine", [catalog] if catalog.height else [], replacing=key)
        summary.rows_changed += catalog.height + gone


@task(
    name="read batch", retries=2, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE
)
def read_batch(
    todo: list[PlannedRecord],
    config: IngestConfig,
    pool: Pool,
    summary: RunSummary,
    advance: Advance,
) -> None:
    """Read records and commit them in groups; what is in leaves ``todo``, for a retry to go on."""
    for group in in_groups(pool.work_through(list(todo)), config.commit_every_s):
        commit_records(group, config, summary)
        for done in group:
            todo.remove(done.item)
        advance(len(group))


def commit_records(group: list[Done], config: IngestConfig, summary: RunSummary) -> None:
    """Commit what came of some records, their ``records`` rows last."""
    lake = Lake(config.lake)
    read: list[ReadRecord] = [done.result for done in group if done.error is None]
    given_up = _given_up([done for done in group if done.error is not None], config, summary)
    keys = _record_keys(config.dataset, [r.record_id for r in read])
    known = _record_keys(config.dataset, [r.record_id for r in read if r.was_known])
    changed = 0
    for table in ("windows", "numerics"):
        files = [file for r in read for file in r.files[table]]
        changed += lake.commit(table, files, replacing=keys) + sum(file.n_rows for file in files)
    changed += lake.commit("backfill", replacing=known)
    faults = pl.concat([*(r.quarantine for r in read), given_up])
    stale = pl.concat([keys, given_up.select(keys.columns)])
    changed += lake.put("quarantine", [faults] if faults.height else [], replacing=stale)
    rows = [r.record for r in read]
    changed += lake.put("records", rows, replacing=keys) + len(rows) + faults.height
    summary.rows_changed += changed
    _count(read, summary)


def _given_up(group: list[Done], config: IngestConfig, summary: RunSummary) -> pl.DataFrame:
    naming = Naming(config.deidentifier())
    summary.records_quarantined += len(group)
    return quarantine_rows(
        [
            (
                naming.record(done.item.record_id),
                done.item.fingerprint,
                failed(done.item.path, "ingest", done.error, naming),
            )
            for done in group
        ],
        dataset=config.dataset,
        run_id=summary.run_id,
        now=datetime.now(UTC),
        attempts=config.attempts,
    )


def _record_keys(dataset: str, record_ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"dataset": [dataset] * len(record_ids), "record_id": record_ids},
        schema={"dataset": pl.String, "record_id": pl.String},
    )


def _count(read: list[ReadRecord], summary: RunSummary) -> None:
    for r in read:
        summary.records_ingested += 1
        summary.windows += r.n_windows
        summary.numerics += r.n_numerics
        summary.see_memory(r.peak_rss_mib)
        for (modality, grade), count in r.grades.items():
            summary.count_grade(modality, grade, count)
