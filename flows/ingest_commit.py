"""Commit what planning and reading made of records: windows first, the ``records`` rows last."""

from datetime import UTC, datetime

import polars as pl

from flows.actors.pool import Done
from flows.actors.reader import ReadRecord
from flows.config import IngestConfig
from flows.naming import Naming
from flows.quarantine import failed, quarantine_rows, watched
from flows.summary import RunSummary
from flows.unnamed import without_names
from ops.catalog import Plan
from ops.lake import Lake
from ops.lake.tidy import Tidy


def unread_rows(config: IngestConfig, plan: Plan, run_id: str) -> pl.DataFrame:
    """Make the rows of ``quarantine`` of what planning could not use."""
    naming = Naming(config.deidentifier())
    return quarantine_rows(
        [
            (
                naming.record(unread.record_id) if unread.record_id else None,
                unread.fingerprint,
                naming.fault(unread.fault, [unread.record_id] if unread.record_id else []),
            )
            for unread in plan.faults
        ],
        dataset=config.dataset,
        run_id=run_id,
        now=datetime.now(UTC),
    )


def forget_vanished(config: IngestConfig, plan: Plan, summary: RunSummary) -> None:
    """Take out of quarantine what is gone from the source and never came in; the rest is told."""
    lake = Lake(config.lake)
    records = lake.scan("records", config.dataset).select("record_id")
    gone = pl.LazyFrame({"record_id": plan.vanished}, schema={"record_id": pl.String})
    kept = set(gone.join(records, on="record_id", how="semi").collect()["record_id"])
    summary.records_vanished = [name for name in plan.vanished if name in kept]
    forgotten = [name for name in plan.vanished if name not in kept]
    keys = _record_keys(config.dataset, forgotten)
    summary.rows_changed += lake.commit("quarantine", replacing=keys)


def quarantine_unread(config: IngestConfig, plan: Plan, summary: RunSummary) -> None:
    """Quarantine what planning could not use; rows that would say the same are left as they are."""
    rows = unread_rows(config, plan, summary.run_id)
    of_catalog = pl.col("step") == "catalog"
    records = rows.filter(~of_catalog)
    lake = Lake(config.lake)
    if records.height:
        gone = lake.put("quarantine", [records], replacing=records.select("dataset", "record_id"))
        summary.rows_changed += records.height + gone
    before = lake.scan("quarantine", config.dataset).filter(of_catalog)
    told = ["path", "reason", "fingerprint", "code_version"]
    catalog = rows.filter(of_catalog)
    if set(catalog.select(told).rows()) != set(before.select(told).collect().rows()):
        key = pl.DataFrame({"dataset": [config.dataset], "step": ["catalog"]})
        gone = lake.put("quarantine", [catalog] if catalog.height else [], replacing=key)
        summary.rows_changed += catalog.height + gone


@without_names
def commit_records(
    group: list[Done], config: IngestConfig, summary: RunSummary, tidy: Tidy | None = None
) -> None:
    """Commit what came of some records, their ``records`` rows last; ``tidy`` keeps files few."""
    lake = Lake(config.lake)
    read: list[ReadRecord] = [done.result for done in group if done.error is None]
    given_up = _given_up([done for done in group if done.error is not None], config, summary)
    keys = _record_keys(config.dataset, [r.record_id for r in read])
    known = _record_keys(config.dataset, [r.record_id for r in read if r.was_known])
    changed = 0
    for table in ("windows", "numerics"):
        files = [file for r in read for file in r.files[table]]
        changed += lake.commit(table, files, replacing=keys) + sum(file.n_rows for file in files)
    for table in ("backfill", "annotations"):
        changed += lake.commit(table, replacing=known)
    faults = pl.concat([*(r.quarantine for r in read), given_up])
    stale = pl.concat([keys, given_up.select(keys.columns)])
    changed += _put_faults(lake, faults, stale)
    rows = [r.record for r in read]
    changed += lake.put("records", rows, replacing=keys) + len(rows)
    summary.rows_changed += changed
    _count(read, summary)
    if tidy is not None:
        for table in ("windows", "numerics"):
            added = sum(len(r.files[table]) for r in read)
            summary.files_compacted += tidy.added(table, added)
        summary.files_compacted += tidy.added("records", 1)


def _put_faults(lake: Lake, faults: pl.DataFrame, stale: pl.DataFrame) -> int:
    """Write faults of some records in place of their older ones; give how many rows that changed.

    Records may share a file: it is named once, by the record that met it last.
    """
    once = faults.unique(["path", "step"], keep="last", maintain_order=True)
    shared = lake.commit("quarantine", replacing=once.select("dataset", "path", "step"))
    older = lake.put("quarantine", [once] if once.height else [], replacing=stale)
    return once.height + shared + older


def _given_up(group: list[Done], config: IngestConfig, summary: RunSummary) -> pl.DataFrame:
    naming = Naming(config.deidentifier())
    return quarantine_rows(
        [
            (
                naming.record(done.item.record_id),
                watched(done.item.fingerprint, done.error),
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
        summary.records_ingested += not r.quarantine.height or bool(r.n_windows or r.n_numerics)
        summary.bytes_read += int(r.record["size_bytes"][0])
        summary.windows += r.n_windows
        summary.numerics += r.n_numerics
        summary.see_memory(r.peak_rss_mib)
        for (modality, grade), count in r.grades.items():
            summary.count_grade(modality, grade, count)
