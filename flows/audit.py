"""Windows with a good arterial line, filled as if they had none: how wrong the fill is, here."""

from contextlib import ExitStack
from functools import partial
from typing import Final

import polars as pl
from prefect import flow, task

from flows.actors.auditor import Auditor
from flows.actors.cluster import cluster
from flows.actors.filler import FilledShard
from flows.actors.pool import Done, Pool
from flows.audit_plan import AuditPlan, audits, plan_audit
from flows.backfill import see_lake
from flows.backfill_plan import Filling, filling
from flows.belt import Belt
from flows.config import AuditConfig
from flows.progress import Advance, progress
from flows.quarantine import commit_given_up
from flows.retrying import RETRIED
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from flows.tell_audit import tell_audit
from ops.audit.current import current_audit
from ops.lake import Lake
from ops.lake.compact import compact

SHARDS_A_BATCH: Final = 64


@flow(name="audit")
def audit(config: AuditConfig) -> RunSummary:
    """Audit what the model that fills says where the truth is known, and tell how wrong it is.

    Raises:
        ValueError: where there is no such lake or dataset.
    """
    see_lake(config)
    with recorded_run("audit", config) as summary, ExitStack() as until_done:
        audit_windows(config, summary, until_done)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def audit_windows(config: AuditConfig, summary: RunSummary, until_done: ExitStack) -> None:
    """Audit inside a run that is already open; a cluster stays up until the run is done."""
    if not audits(config):
        return
    with summary.timed("plan audit"):
        by = filling(Lake(config.lake), config)
        plan = planned_audit(config, summary, by)
    if plan.shards:
        with summary.timed("start workers"):
            until_done.enter_context(
                cluster(config.ray_address, config.workers, gpus_per_worker=config.gpus_per_actor)
            )
        with summary.timed("audit"):
            _audit_shards(plan, config, summary, by)
    with summary.timed("compact"):
        summary.files_compacted += compact(Lake(config.lake).location, "audit")
    with summary.timed("tell audit"):
        rows = current_audit(Lake(config.lake), config.dataset)
        summary.audit = tell_audit(rows.filter(pl.col("spec_sha256") == by.spec))


@task(name="plan audit", **RETRIED)
def planned_audit(config: AuditConfig, summary: RunSummary, by: Filling) -> AuditPlan:
    """Tell what is to be audited; take out what the sample no longer holds."""
    lake = Lake(config.lake)
    plan = plan_audit(lake, config, by)
    summary.rows_changed += lake.commit("audit", replacing=plan.stale)
    summary.rows_changed += lake.commit("quarantine", replacing=plan.over)
    return plan


def _audit_shards(plan: AuditPlan, config: AuditConfig, summary: RunSummary, by: Filling) -> None:
    commit = partial(_commit_audited, config=config, summary=summary, spec=by.spec)
    with (
        progress("Auditing windows", sum(shard.n_windows for shard in plan.shards)) as advance,
        Pool(
            partial(Auditor, config, summary.run_id),
            config.workers,
            gpus_per_actor=config.gpus_per_actor,
            attempts=config.attempts,
            in_hand=Auditor.IN_HAND,
        ) as pool,
        Belt(plan.shards, pool, commit, config.commit_every_s) as belt,
    ):
        while not belt.is_through:
            audit_batch(belt, advance)


@task(name="audit batch", **RETRIED)
def audit_batch(belt: Belt, advance: Advance) -> None:
    """Audit some shards and commit them in groups."""
    for group in belt.work_off(SHARDS_A_BATCH):
        advance(sum(done.item.n_windows for done in group))


def _commit_audited(group: list[Done], config: AuditConfig, summary: RunSummary, spec: str) -> None:
    """Commit what came of some shards, and quarantine those that were given up."""
    lake = Lake(config.lake)
    audited: list[FilledShard] = [done.result for done in group if done.error is None]
    files = [file for shard in audited for file in shard.files]
    keys = [shard.keys for shard in audited]
    # Another night may have audited the same windows meanwhile.
    changed = lake.commit("audit", files, replacing=pl.concat(keys) if keys else None)
    changed += sum(file.n_rows for file in files)
    changed += commit_given_up(
        lake, group, "audit", spec, run_id=summary.run_id, attempts=config.attempts
    )
    # Counted last: a commit that fails is tried again.
    summary.rows_changed += changed
    summary.windows_audited += sum(file.n_rows for file in files)
    summary.shards_quarantined += len(group) - len(audited)
    for shard in audited:
        summary.see_memory(shard.peak_rss_mib)
