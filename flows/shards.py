"""Shards through actors into commits, the same for a backfill and for an audit."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

import polars as pl

from flows.actors.cluster import cluster
from flows.actors.filler import Filler
from flows.actors.pool import Pool
from flows.belt import Belt, Commit
from flows.config import BackfillConfig
from flows.progress import Advance
from flows.summary import RunSummary
from ops.fill.plan import FillShard

SHARDS_A_BATCH: Final = 64

ShardKey = tuple[str, str, str]
"""Dataset, path and fingerprint of a shard: what quarantine holds it back by."""

Batch = Callable[[Belt, Advance], None]


def start_workers(config: BackfillConfig, summary: RunSummary, until_done: ExitStack) -> None:
    """Bring up a cluster that stays until the run is done."""
    with summary.timed("start workers"):
        until_done.enter_context(
            cluster(config.ray_address, config.workers, gpus_per_worker=config.gpus_per_actor)
        )


def work_through(
    todo: Iterable[FillShard],
    worker: type[Filler],
    batch: Batch,
    commit: Commit,
    config: BackfillConfig,
    summary: RunSummary,
    advance: Advance,
) -> None:
    """Let actors of a class work on shards, a task a ``batch``, and commit what is done."""
    with (
        Pool(
            partial(worker, config, summary.run_id),
            config.workers,
            gpus_per_actor=config.gpus_per_actor,
            attempts=config.attempts,
            in_hand=worker.IN_HAND,
        ) as pool,
        Belt(todo, pool, commit, config.commit_every_s) as belt,
    ):
        while not belt.is_through:
            batch(belt, advance)


def work_off(belt: Belt, advance: Advance) -> None:
    """Work on some shards more and commit them in groups."""
    for group in belt.work_off(SHARDS_A_BATCH):
        advance(sum(done.item.n_windows for done in group))


def held_back(
    cut: Mapping[ShardKey, FillShard], quarantined: pl.LazyFrame
) -> tuple[set[ShardKey], pl.DataFrame]:
    """Say which shards rows of ``quarantine`` hold back, and give the keys of rows that hold none.

    ``quarantined`` are the rows of one step.
    """
    rows = quarantined.select("dataset", "path", "fingerprint", "step").collect()
    held = [row[:3] for row in rows.rows()]
    over = rows.filter(pl.Series([key not in cut for key in held], dtype=pl.Boolean))
    return set(held), over.drop("fingerprint")
