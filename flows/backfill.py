"""Windows of a lake into synthetic signals beside them."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from itertools import chain

from prefect import flow, task

from flows.actors.device import Worked, busy_share
from flows.actors.filler import FilledShard, Filler
from flows.actors.pool import Done
from flows.backfill_plan import Filling, FillPlan, filling, plan_group
from flows.belt import Belt
from flows.config import BackfillConfig
from flows.notify import tell_failure
from flows.progress import Advance, progress
from flows.record_groups import RecordGroup, record_groups
from flows.retrying import RETRIED
from flows.run import list_quarantine, recorded_run
from flows.shards import (
    commit_worked,
    planned,
    start_workers,
    take_out,
    work_off,
    work_through,
)
from flows.summary import RunSummary
from flows.tell import tell
from flows.turn import await_turn
from flows.upkeep import see_lake
from flows.withdrawn import refuse_withdrawn
from ops.fill.plan import FillShard
from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.tidy import Tidy


@flow(name="backfill", on_failure=[tell_failure], on_crashed=[tell_failure])
def backfill(config: BackfillConfig) -> RunSummary:
    """Make what is wanted and not there.

    Raises:
        ValueError: where there is no such lake or dataset.
    """
    await_turn(config.lake)
    see_lake(config)
    with recorded_run("backfill", config) as summary, ExitStack() as until_done:
        fill_windows(config, summary, until_done, filling(Lake(config.lake), config))
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def fill_windows(
    config: BackfillConfig, summary: RunSummary, until_done: ExitStack, by: Filling
) -> None:
    """Backfill inside a run that is already open; a cluster stays up until the run is done.

    Raises:
        ValueError: where the model has been withdrawn meanwhile.
    """
    refuse_withdrawn(Lake(config.lake), by.model_id)
    groups = list(record_groups(Lake(config.lake), config.dataset))
    n_windows = sum(group.n_windows for group in groups)
    with progress("Filling windows", n_windows) as advance:
        plan = partial(plan_backfill, config, summary, by=by)
        waiting = planned(groups, plan, "plan backfill", summary, advance)
        first = next(waiting, None)
        if first is not None:
            start_workers(config, summary, until_done)
            with summary.timed("fill"):
                fill_shards(chain([first], waiting), config, summary, advance, by.spec)
    with summary.timed("compact"):
        summary.files_compacted += compact(Lake(config.lake).location, "backfill")


def fill_shards(
    todo: Iterable[FillShard],
    config: BackfillConfig,
    summary: RunSummary,
    advance: Advance,
    spec: str,
) -> None:
    """Fill shards and commit them."""
    devices: dict[str, Worked] = {}
    tidy = Tidy(Lake(config.lake).location)
    commit = partial(
        commit_shards, config=config, summary=summary, devices=devices, tidy=tidy, spec=spec
    )
    work_through(todo, Filler, fill_batch, commit, config, summary, advance, "backfill", spec)


@task(name="plan backfill", **RETRIED)
def plan_backfill(
    config: BackfillConfig, summary: RunSummary, group: RecordGroup, by: Filling
) -> FillPlan:
    """Tell what is wanted and not there; take out what no longer fits its window."""
    lake = Lake(config.lake)
    plan = plan_group(lake, config, group, by)
    take_out(plan, "backfill", lake, summary)
    return plan


@task(name="fill batch", **RETRIED)
def fill_batch(belt: Belt, advance: Advance) -> None:
    """Fill some shards and commit them in groups."""
    work_off(belt, advance)


def commit_shards(
    group: list[Done],
    config: BackfillConfig,
    summary: RunSummary,
    devices: dict[str, Worked],
    tidy: Tidy,
    spec: str,
) -> None:
    """Commit what came of some shards, and quarantine those that were given up."""
    filled: list[FilledShard] = commit_worked(
        group, "backfill", "backfill", spec, config=config, summary=summary, tidy=tidy
    )
    for shard in filled:
        summary.backfill_abstained += shard.n_abstained
        devices.setdefault(shard.actor, Worked()).add(shard.busy)
        for (task_name, modality), count in shard.counts.items():
            summary.count_backfill(task_name, modality, count)
    summary.devices = len(devices)
    summary.device_busy_share = busy_share(devices)
