"""Shards through actors into commits, the same for a backfill, an audit and an annotation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import polars as pl

from flows.actors.cluster import cluster
from flows.actors.pool import Done, Pool, Worker
from flows.actors.worked import WorkedShard
from flows.annotate_config import AnnotateConfig
from flows.belt import Belt, Commit
from flows.config import BackfillConfig
from flows.progress import Advance
from flows.quarantine import commit_given_up
from flows.record_groups import RecordGroup
from flows.summary import RunSummary
from ops.lake import Lake
from ops.lake.tidy import Tidy
from ops.shard import Shard

SHARDS_A_BATCH: Final = 64

ShardsConfig = BackfillConfig | AnnotateConfig
"""What a run on shards is told: its lake, its actors, its tries."""

Batch = Callable[[Belt, Advance], None]
OneShard = TypeVar("OneShard", bound=Shard)


class Plan(Protocol):
    """What is to be done for a group of records."""

    @property
    def shards(self) -> Sequence[Shard]:
        """Give them in the order in which they are handed out."""

    @property
    def stale(self) -> pl.DataFrame:
        """Give the keys of rows that no longer fit."""

    @property
    def over(self) -> pl.DataFrame:
        """Give the keys of quarantine's rows that hold nothing back."""


class ShardWorker(Worker, Protocol):
    """What works on shards in an actor, ``IN_HAND`` of them at once."""

    IN_HAND: int

    def __init__(self, config: Any, run_id: str, spec: str) -> None: ...


def planned(
    groups: Sequence[RecordGroup],
    plan_group: Callable[[RecordGroup], Plan],
    step: str,
    summary: RunSummary,
    advance: Advance,
) -> Iterator[Any]:
    """Plan a group of records when all shards of the one before are handed out; yield shards."""
    done_already = n_shards = 0
    counts = summary.items_of(step.removeprefix("plan "))
    for group in groups:
        with summary.timed(step):
            plan = plan_group(group)
        n_shards += len(plan.shards)
        done_already += group.n_windows - sum(shard.n_windows for shard in plan.shards)
        if plan.shards:
            advance(done_already)
            done_already = 0
            summary.shards += len(plan.shards)
            counts.planned += len(plan.shards)
        yield from plan.shards
    if n_shards:
        advance(done_already)


def start_workers(config: ShardsConfig, summary: RunSummary, until_done: ExitStack) -> None:
    """Bring up a cluster that stays until the run is done."""
    with summary.timed("start workers"):
        until_done.enter_context(
            cluster(config.ray_address, config.workers, gpus_per_worker=config.gpus_per_actor)
        )


def work_through(
    todo: Iterable[Shard],
    worker: type[ShardWorker],
    batch: Batch,
    commit: Commit,
    config: ShardsConfig,
    summary: RunSummary,
    advance: Advance,
    step: str,
    spec: str,
) -> None:
    """Let actors of a class work on shards, a task a ``batch``, and commit what is done.

    ``step`` is what the run's counts call it, ``spec`` hashes by what every actor is to work.
    """
    with (
        Pool(
            partial(worker, config, summary.run_id, spec),
            config.workers,
            gpus_per_actor=config.gpus_per_actor,
            attempts=config.attempts,
            in_hand=worker.IN_HAND,
            counts=summary.items_of(step),
            called=_called,
        ) as pool,
        Belt(todo, pool, commit, config.commit_every_s) as belt,
    ):
        while not belt.is_through:
            batch(belt, advance)


def _called(shard: Shard) -> dict[str, str]:
    """Say in a log which shard is meant."""
    return {"dataset": shard.dataset, "record": shard.record_id, "shard": shard.path}


def work_off(belt: Belt, advance: Advance) -> None:
    """Work on some shards more and commit them in groups."""
    for group in belt.work_off(SHARDS_A_BATCH):
        advance(sum(done.item.n_windows for done in group))


def take_out(plan: Plan, table: str, lake: Lake, summary: RunSummary) -> None:
    """Take out rows that no longer fit, and those of quarantine that hold nothing back."""
    summary.rows_changed += lake.commit(table, replacing=plan.stale)
    summary.rows_changed += lake.commit("quarantine", replacing=plan.over)


def commit_worked(
    group: list[Done],
    table: str,
    step: str,
    spec: str,
    *,
    config: ShardsConfig,
    summary: RunSummary,
    tidy: Tidy | None = None,
) -> list[Any]:
    """Commit what came of some shards, quarantine those that were given up, and count both.

    What came of shards is given back, to be counted by what it is. Another run may have worked on
    the same windows meanwhile: its rows go.
    """
    lake = Lake(config.lake)
    worked: list[WorkedShard] = [done.result for done in group if done.error is None]
    files = [file for shard in worked for file in shard.files]
    keys = [shard.keys for shard in worked]
    changed = lake.commit(table, files, replacing=pl.concat(keys) if keys else None)
    changed += sum(file.n_rows for file in files)
    changed += commit_given_up(
        lake, group, step, spec, run_id=summary.run_id, attempts=config.attempts
    )
    if tidy is not None:
        summary.files_compacted += tidy.added(table, len(files))
    # Counted last: a commit that fails is tried again.
    summary.rows_changed += changed
    summary.shards_quarantined += len(group) - len(worked)
    for shard in worked:
        summary.see_memory(shard.peak_rss_mib)
    return worked


def waiting(
    cut: Iterable[OneShard], spec: str, quarantined: pl.LazyFrame
) -> tuple[list[OneShard], pl.DataFrame]:
    """Leave out shards that rows of ``quarantine`` hold back; give the keys of rows that hold none.

    ``quarantined`` are the rows of one step.
    """
    shards = {(shard.dataset, shard.path, shard.fingerprint(spec)): shard for shard in cut}
    rows = quarantined.select("dataset", "path", "fingerprint", "step").collect()
    held = [row[:3] for row in rows.rows()]
    over = rows.filter(pl.Series([key not in shards for key in held], dtype=pl.Boolean))
    free = [shard for key, shard in shards.items() if key not in held]
    return free, over.drop("fingerprint")
