"""What an audit has to do, planned for a group of records at a time."""

from dataclasses import dataclass

import polars as pl

from flows.backfill_plan import Filling
from flows.config import AuditConfig
from flows.record_groups import record_groups
from flows.shards import waiting
from ops.audit.fill import AuditShard
from ops.audit.sample import audit_sample, least_of_subjects
from ops.fill.plan import ASKED, whole_windows
from ops.lake import Lake
from ops.reference.readings import readings
from schemas.demographics import PATIENT
from schemas.grid import SHARD_WINDOWS
from schemas.tables import TABLES

_RECORD = ["dataset", "record_id"]
_MADE_FROM = [*_RECORD, "window_index", "input_sha256", "reference_sha256"]


@dataclass(frozen=True)
class AuditPlan:
    """What is to be audited.

    ``stale`` are the keys of audited rows that the sample no longer holds: their window has changed
    or is no truth any more, or others of the subject go before it. ``over`` are those of
    quarantine's rows that hold no shard back.
    """

    shards: list[AuditShard]
    stale: pl.DataFrame
    over: pl.DataFrame


def audits(config: AuditConfig) -> bool:
    """Say whether a run audits at all: a pressure that is not made needs no audit."""
    return config.audit_per_subject > 0 and "abp" in config.translate


def plan_audit(lake: Lake, config: AuditConfig, by: Filling) -> AuditPlan:
    """List the sampled windows that are not audited yet, as they are now and by what fills now."""
    sample = _sample(lake, config, by)
    audited = lake.scan("audit", config.dataset).filter(pl.col("spec_sha256") == by.spec)
    done = audited.select(*TABLES["audit"].key, *_MADE_FROM[3:]).collect()
    cut = _shards(lake, config, _less(sample, done))
    quarantined = lake.scan("quarantine", config.dataset).filter(pl.col("step") == "audit")
    free, over = waiting(cut, by.spec, quarantined)
    stale = _less(done, sample).select(TABLES["audit"].key)
    return AuditPlan(shards=free, stale=stale, over=over)


def _sample(lake: Lake, config: AuditConfig, by: Filling) -> pl.DataFrame:
    """Sample each subject's windows, which may lie in several records."""
    parts = []
    for group in record_groups(lake, config.dataset):
        windows, records, numerics = (
            group.of(lake.scan(table)) for table in ("windows", "records", "numerics")
        )
        whole = whole_windows(windows, records)
        read = readings(whole, numerics)
        if not by.calibrates:
            read = read.filter(pl.col("kind") == "line")
        parts.append(
            audit_sample(
                whole,
                read,
                by.trained,
                per_subject=config.audit_per_subject,
                most_age_s=config.reference_max_age_s if by.calibrates else None,
            )
        )
    some = [part for part in parts if part.height]
    return least_of_subjects(pl.concat(some), config.audit_per_subject) if some else pl.DataFrame()


def _less(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows that no other has the window and the reading of."""
    if rows.is_empty() or others.is_empty():
        return rows
    return rows.join(others, on=_MADE_FROM, how="anti", nulls_equal=True)


def _shards(lake: Lake, config: AuditConfig, missing: pl.DataFrame) -> list[AuditShard]:
    if missing.is_empty():
        return []
    about = lake.scan("demographics", config.dataset).select(*_RECORD, *PATIENT).collect()
    named = missing.join(about, on=_RECORD, how="left")
    records = named.sort(*_RECORD, "window_index").partition_by(*_RECORD, maintain_order=True)
    return [_shard(part) for record in records for part in record.iter_slices(SHARD_WINDOWS)]


def _shard(record: pl.DataFrame) -> AuditShard:
    first = record.row(0, named=True)
    return AuditShard(
        dataset=first["dataset"],
        record_id=first["record_id"],
        subject_id=first["subject_id"],
        wants=record.select(ASKED),
        about={name: first[name] for name in PATIENT},
    )
