"""Windows with a good arterial line, filled as if they had none: how wrong the fill is, here."""

from contextlib import ExitStack
from functools import partial

import polars as pl
from prefect import flow, task

from flows.actors.auditor import Auditor
from flows.actors.filler import FilledShard
from flows.actors.pool import Done
from flows.audit_plan import AuditPlan, audits, plan_audit
from flows.backfill_plan import Filling, filling
from flows.belt import Belt
from flows.config import AuditConfig
from flows.notify import tell_failure
from flows.progress import Advance, progress
from flows.retrying import RETRIED
from flows.run import list_quarantine, recorded_run
from flows.shards import commit_worked, start_workers, take_out, work_off, work_through
from flows.summary import RunSummary
from flows.tell import tell
from flows.tell_audit import tell_audit
from flows.turn import await_turn
from flows.upkeep import see_lake
from flows.withdrawn import refuse_withdrawn
from ops.audit.current import current_audit
from ops.lake import Lake
from ops.lake.compact import compact


@flow(name="audit", on_failure=[tell_failure], on_crashed=[tell_failure])
def audit(config: AuditConfig) -> RunSummary:
    """Audit what the model that fills says where the truth is known, and tell how wrong it is.

    Raises:
        ValueError: where there is no such lake or dataset.
    """
    await_turn(config.lake)
    see_lake(config)
    with recorded_run("audit", config) as summary, ExitStack() as until_done:
        audit_windows(config, summary, until_done, filling(Lake(config.lake), config))
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def audit_windows(
    config: AuditConfig, summary: RunSummary, until_done: ExitStack, by: Filling
) -> None:
    """Audit inside a run that is already open; a cluster stays up until the run is done.

    Raises:
        ValueError: where the model has been withdrawn meanwhile.
    """
    if not audits(config):
        return
    refuse_withdrawn(Lake(config.lake), by.model_id)
    with summary.timed("plan audit"):
        plan = planned_audit(config, summary, by)
    if plan.shards:
        start_workers(config, summary, until_done)
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
    take_out(plan, "audit", lake, summary)
    return plan


def _audit_shards(plan: AuditPlan, config: AuditConfig, summary: RunSummary, by: Filling) -> None:
    commit = partial(_commit_audited, config=config, summary=summary, spec=by.spec)
    n_windows = sum(shard.n_windows for shard in plan.shards)
    summary.items_of("audit").planned += len(plan.shards)
    with progress("Auditing windows", n_windows) as advance:
        work_through(
            plan.shards, Auditor, audit_batch, commit, config, summary, advance, "audit", by.spec
        )


@task(name="audit batch", **RETRIED)
def audit_batch(belt: Belt, advance: Advance) -> None:
    """Audit some shards and commit them in groups."""
    work_off(belt, advance)


def _commit_audited(group: list[Done], config: AuditConfig, summary: RunSummary, spec: str) -> None:
    """Commit what came of some shards, and quarantine those that were given up."""
    audited: list[FilledShard] = commit_worked(
        group, "audit", "audit", spec, config=config, summary=summary
    )
    summary.windows_audited += sum(f.n_rows for shard in audited for f in shard.files)
