"""Windows of a lake into synthetic signals beside them."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

import polars as pl
from prefect import flow, task

from flows.actors.cluster import cluster
from flows.actors.filler import FilledShard, Filler
from flows.actors.pool import Done, Pool
from flows.batches import batches, work_off
from flows.config import BackfillConfig, LakeConfig
from flows.naming import Naming
from flows.progress import Advance, progress
from flows.quarantine import failed, quarantine_rows
from flows.restorers import make_restorer
from flows.retrying import RETRIED
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from ops.fill.plan import FillShard, missing_rows, shards, spec_sha256, stale_rows, whole_windows
from ops.fill.rules import wanted
from ops.lake import Lake
from ops.lake.compact import compact

SHARDS_A_BATCH: Final = 64


@flow(name="backfill")
def backfill(config: BackfillConfig) -> RunSummary:
    """Make what is wanted and not there.

    Raises:
        ValueError: where there is no such lake or dataset.
    """
    see_lake(config)
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
        cluster(
            config.ray_address,
            config.workers if todo else 0,
            gpus_per_worker=config.gpus_per_actor if todo else 0,
        ),
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


@task(name="plan backfill", **RETRIED)
def plan_backfill(config: BackfillConfig, summary: RunSummary) -> list[FillShard]:
    """Tell what is wanted and not there; take out what no longer fits its window."""
    lake = Lake(config.lake)
    todo, over = planned_shards(lake, config)  # fails before a row is changed
    summary.rows_changed += lake.commit("backfill", replacing=stale(lake, config.dataset))
    summary.rows_changed += lake.commit("quarantine", replacing=over)
    return todo


def planned_shards(lake: Lake, config: BackfillConfig) -> tuple[list[FillShard], pl.DataFrame]:
    """Cut what is wanted and not there into shards, less those that quarantine holds back.

    Also gives the keys of quarantine's rows that hold no shard of now back.
    """
    spec = spec_sha256(make_restorer(config), config.seed)
    windows = whole_windows(
        lake.scan("windows", config.dataset), lake.scan("records", config.dataset)
    )
    wants = wanted(windows, translate=config.translate, restore=config.restore)
    there = lake.scan("backfill", config.dataset)
    cut = {
        (shard.dataset, shard.path, shard.fingerprint(spec)): shard
        for shard in shards(missing_rows(wants, there, spec).collect())
    }
    quarantined = lake.scan("quarantine", config.dataset).filter(pl.col("step") == "backfill")
    rows = quarantined.select("dataset", "path", "fingerprint", "step").collect()
    held = [row[:3] for row in rows.rows()]
    over = rows.filter(pl.Series([key not in cut for key in held], dtype=pl.Boolean))
    waiting = cut.keys() - set(held)
    return [s for key, s in cut.items() if key in waiting], over.drop("fingerprint")


def stale(lake: Lake, dataset: str) -> pl.DataFrame:
    """List the keys of backfill whose window is gone or has changed."""
    windows = lake.scan("windows", dataset)
    return stale_rows(windows, lake.scan("backfill", dataset)).collect()


def see_lake(config: LakeConfig) -> None:
    """See that there is a lake, and in it the dataset if one is named.

    Raises:
        ValueError: where there is none.
    """
    lake = Lake(config.lake)
    if all(lake.open(table) is None for table in ("records", "runs")):
        message = f"there is no lake at {config.lake}"
        raise ValueError(message)
    datasets = lake.scan("records").select("dataset").unique().collect()["dataset"].sort()
    if config.dataset and config.dataset not in datasets:
        known = ", ".join(datasets) or "none"
        message = f"dataset {config.dataset} is not in {config.lake}; there are: {known}"
        raise ValueError(message)


@task(name="fill batch", **RETRIED)
def fill_batch(
    todo: list[FillShard],
    config: BackfillConfig,
    pool: Pool,
    summary: RunSummary,
    advance: Advance,
) -> None:
    """Fill shards and commit them in groups; what is in leaves ``todo``."""
    commit = partial(commit_shards, config=config, summary=summary)
    for done in work_off(todo, pool, commit, config.commit_every_s):
        advance(done)


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
    given_up = [done for done in group if done.error is not None]
    summary.shards_quarantined += len(given_up)
    rows = _given_up(given_up, config, summary) if given_up else []
    keys = pl.DataFrame(
        {
            "dataset": [done.item.dataset for done in group],
            "path": [done.item.path for done in group],
            "step": ["backfill"] * len(group),
        }
    )
    summary.rows_changed += lake.put("quarantine", rows, replacing=keys) + len(rows)


def _given_up(group: list[Done], config: BackfillConfig, summary: RunSummary) -> list[pl.DataFrame]:
    spec = spec_sha256(make_restorer(config), config.seed)
    return [
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
    ]
