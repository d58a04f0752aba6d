"""Windows of a lake into synthetic signals beside them."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from flows.actors.cluster import cluster
from flows.actors.filler import FilledShard, Filler
from flows.actors.pool import Done, Pool
from flows.batches import batches, in_groups
from flows.config import BackfillConfig
from flows.naming import Naming
from flows.progress import Advance, progress
from flows.quarantine import failed, quarantine_rows
from flows.restorers import make_restorer
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from ops.fill.plan import FillShard, missing_rows, shards, spec_sha256, stale_rows
from ops.fill.rules import wanted
from ops.lake import Lake
from ops.lake.compact import compact

SHARDS_A_BATCH: Final = 64


@flow(name="backfill")
def backfill(config: BackfillConfig) -> RunSummary:
    """Make what is wanted and not there."""
    with recorded_run("backfill", config) as summary:
        fill_windows(config, summary)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary


def fill_windows(config: BackfillConfig, summary: RunSummary) -> None:
    """Backfill inside a run that is already open."""
    todo = plan_backfill(config, summary)
    summary.shards = len(todo)
    with (
        cluster(config.ray_address, config.workers if todo else 0),
        Pool(
            partial(Filler, config, summary.run_id),
            config.workers,
            gpus_per_actor=config.gpus_per_actor,
            attempts=config.attempts,
        ) as pool,
        progress("Filling shards", len(todo)) as advance,
    ):
        for batch in batches(todo, SHARDS_A_BATCH):
            fill_batch(batch, config, pool, summary, advance)
    summary.files_compacted += compact(Lake(config.lake).location, "backfill")


@task(
    name="plan backfill",
    retries=2,
    retry_delay_seconds=exponential_backoff(2),
    cache_policy=NO_CACHE,
)
def plan_backfill(config: BackfillConfig, summary: RunSummary) -> list[FillShard]:
    """Tell what is wanted and not there; take out what no longer fits its window."""
    lake = Lake(config.lake)
    gone = lake.commit("backfill", replacing=stale(lake, config.dataset))
    summary.rows_changed += gone
    return planned_shards(lake, config)


def planned_shards(lake: Lake, config: BackfillConfig) -> list[FillShard]:
    """Cut what is wanted and not there into shards, less those that quarantine holds back."""
    spec = spec_sha256(make_restorer(config.restorer), config.seed)
    windows = of_dataset(lake, "windows", config.dataset)
    wants = wanted(windows, translate=config.translate, restore=config.restore)
    there = of_dataset(lake, "backfill", config.dataset)
    held = of_dataset(lake, "quarantine", config.dataset).filter(pl.col("step") == "backfill")
    held_back = set(held.select("path", "fingerprint").collect().rows())
    cut = shards(missing_rows(wants, there, spec).collect())
    return [s for s in cut if (s.path, s.fingerprint(spec)) not in held_back]


def stale(lake: Lake, dataset: str) -> pl.DataFrame:
    """List the keys of backfill whose window is gone or has changed."""
    windows = of_dataset(lake, "windows", dataset)
    return stale_rows(windows, of_dataset(lake, "backfill", dataset)).collect()


def of_dataset(lake: Lake, table: str, dataset: str) -> pl.LazyFrame:
    """Scan a table's rows of one dataset, or all where none is named."""
    rows = lake.scan(table)
    return rows.filter(pl.col("dataset") == dataset) if dataset else rows


@task(
    name="fill batch",
    retries=2,
    retry_delay_seconds=exponential_backoff(2),
    cache_policy=NO_CACHE,
)
def fill_batch(
    todo: list[FillShard],
    config: BackfillConfig,
    pool: Pool,
    summary: RunSummary,
    advance: Advance,
) -> None:
    """Fill shards and commit them in groups; what is in leaves ``todo``, for a retry to go on."""
    for group in in_groups(pool.work_through(list(todo)), config.commit_every_s):
        commit_shards(group, config, summary)
        for done in group:
            todo.remove(done.item)
        advance(len(group))


def commit_shards(group: list[Done], config: BackfillConfig, summary: RunSummary) -> None:
    """Commit what came of some shards, and quarantine those that were given up."""
    lake = Lake(config.lake)
    filled: list[FilledShard] = [done.result for done in group if done.error is None]
    files = [file for shard in filled for file in shard.files]
    keys = [done.item.keys for done in group if done.error is None]
    gone = lake.commit("backfill", files, replacing=pl.concat(keys) if keys else None)
    summary.rows_changed += gone + sum(file.n_rows for file in files)
    _quarantine(lake, group, config, summary)
    for shard in filled:
        summary.backfill_abstained += shard.n_abstained
        summary.see_memory(shard.peak_rss_mib)
        for (task_name, modality), count in shard.counts.items():
            summary.count_backfill(task_name, modality, count)


def _quarantine(lake: Lake, group: list[Done], config: BackfillConfig, summary: RunSummary) -> None:
    """Write the rows of shards given up; take out those of shards that succeeded."""
    spec = spec_sha256(make_restorer(config.restorer), config.seed)
    rows = [
        quarantine_rows(
            [
                (
                    done.item.record_id,
                    done.item.fingerprint(spec),
                    failed(done.item.path, "backfill", done.error, Naming(None)),
                )
            ],
            dataset=done.item.dataset,
            run_id=summary.run_id,
            now=datetime.now(UTC),
            code_version=spec,
            attempts=config.attempts,
        )
        for done in group
        if done.error is not None
    ]
    summary.shards_quarantined += len(rows)
    keys = pl.DataFrame(
        {
            "dataset": [done.item.dataset for done in group],
            "path": [done.item.path for done in group],
            "step": ["backfill"] * len(group),
        }
    )
    summary.rows_changed += lake.put("quarantine", rows, replacing=keys) + len(rows)
