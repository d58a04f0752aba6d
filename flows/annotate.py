"""Windows of a lake into annotations beside them."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from itertools import chain

from prefect import flow, task

from flows.actors.device import Worked, busy_share
from flows.actors.pool import Done
from flows.actors.scribe import AnnotatedShard, Scribe
from flows.annotate_config import AnnotateConfig
from flows.annotate_plan import AnnotatePlan, Annotating, annotating, plan_group
from flows.belt import Belt
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
from ops.annotate.plan import AnnotateShard
from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.tidy import Tidy


@flow(name="annotate", on_failure=[tell_failure], on_crashed=[tell_failure])
def annotate(config: AnnotateConfig) -> RunSummary:
    """Annotate what is not, or no longer is.

    Raises:
        ValueError: where there is no such lake or dataset, or the annotator can't be had.
    """
    await_turn(config.lake)
    see_lake(config)
    with recorded_run("annotate", config) as summary, ExitStack() as until_done:
        annotate_windows(config, summary, until_done, annotating(Lake(config.lake), config))
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def annotate_windows(
    config: AnnotateConfig, summary: RunSummary, until_done: ExitStack, by: Annotating
) -> None:
    """Annotate inside a run that is already open; a cluster stays up until the run is done.

    Raises:
        ValueError: where the model has been withdrawn meanwhile.
    """
    refuse_withdrawn(Lake(config.lake), by.model_id, verb="annotate")
    groups = list(record_groups(Lake(config.lake), config.dataset))
    with progress("Annotating windows", sum(group.n_windows for group in groups)) as advance:
        plan = partial(plan_annotate, config, summary, by=by)
        waiting = planned(groups, plan, "plan annotate", summary, advance)
        first = next(waiting, None)
        if first is not None:
            start_workers(config, summary, until_done)
            with summary.timed("annotate"):
                annotate_shards(chain([first], waiting), config, summary, advance, by.spec)
    with summary.timed("compact"):
        summary.files_compacted += compact(Lake(config.lake).location, "annotations")


def annotate_shards(
    todo: Iterable[AnnotateShard],
    config: AnnotateConfig,
    summary: RunSummary,
    advance: Advance,
    spec: str,
) -> None:
    """Annotate shards and commit them."""
    devices: dict[str, Worked] = {}
    tidy = Tidy(Lake(config.lake).location)
    commit = partial(
        commit_shards, config=config, summary=summary, devices=devices, tidy=tidy, spec=spec
    )
    work_through(todo, Scribe, annotate_batch, commit, config, summary, advance, "annotate", spec)
    if summary.device_busy_share is None:  # a night tells of the devices that filled
        summary.devices = len(devices)
        summary.device_busy_share = busy_share(devices)


@task(name="plan annotate", **RETRIED)
def plan_annotate(
    config: AnnotateConfig, summary: RunSummary, group: RecordGroup, by: Annotating
) -> AnnotatePlan:
    """Tell what is not annotated; take out what no longer tells of its window."""
    lake = Lake(config.lake)
    plan = plan_group(lake, group, by)
    take_out(plan, "annotations", lake, summary)
    return plan


@task(name="annotate batch", **RETRIED)
def annotate_batch(belt: Belt, advance: Advance) -> None:
    """Annotate some shards and commit them in groups."""
    work_off(belt, advance)


def commit_shards(
    group: list[Done],
    config: AnnotateConfig,
    summary: RunSummary,
    devices: dict[str, Worked],
    tidy: Tidy,
    spec: str,
) -> None:
    """Commit what came of some shards, and quarantine those that were given up."""
    annotated: list[AnnotatedShard] = commit_worked(
        group, "annotations", "annotate", spec, config=config, summary=summary, tidy=tidy
    )
    for shard in annotated:
        devices.setdefault(shard.actor, Worked()).add(shard.busy)
        for rhythm, count in shard.rhythms.items():
            summary.count_annotated(rhythm, count)
