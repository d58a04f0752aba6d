import os

import polars as pl
import pytest

from flows import backfill_plan
from flows.actors.filler import Filler
from flows.actors.pool import Done
from flows.backfill import commit_shards
from flows.backfill_plan import plan_group
from flows.config import BackfillConfig, IngestConfig
from flows.ingest import ingest
from flows.record_groups import record_groups
from flows.summary import RunSummary
from ops.fill.plan import FillShard
from ops.lake import Lake
from ops.lake.tidy import Tidy


@pytest.fixture
def filling(config) -> BackfillConfig:
    return BackfillConfig(lake=config.lake, restorer="classical", workers=0, seed=7)


def planned(config: BackfillConfig) -> list[FillShard]:
    lake = Lake(config.lake)
    by = backfill_plan.filling(lake, config)
    groups = record_groups(lake, "")
    return [s for group in groups for s in plan_group(lake, config, group, by).shards]


def read_again(config, ward, record_id: str) -> None:
    """Let a record be read again, with other signals in it."""
    for file in ward.rglob(f"{record_id.rpartition('/')[2]}*.dat"):
        counts = bytearray(file.read_bytes())
        counts[: len(counts) // 2] = counts[len(counts) // 2 : len(counts) // 2 * 2]
        file.write_bytes(counts)
        os.utime(file)
    assert ingest(IngestConfig(source=config.source, lake=config.lake, workers=0)).windows > 0


def plain(config: BackfillConfig) -> str:
    records = Lake(config.lake).scan("records").filter(pl.col("status") == "complete")
    filled = Lake(config.lake).scan("backfill").select("record_id").unique()
    return str(records.join(filled, on="record_id").collect()["record_id"].sort()[0])


def test_windows_that_were_read_again_meanwhile_are_filled_as_they_are_now(
    config, ward, filling
) -> None:
    record = plain(filling)
    filler = Filler(filling, "run")
    read_again(config, ward, record)
    shards = [shard for shard in planned(filling) if shard.record_id == record]
    filled = [filler.work(shard) for shard in shards]

    assert sum(shard.keys.height for shard in filled) == sum(s.wants.height for s in shards)
    assert filled


def test_a_shard_whose_windows_are_no_more_takes_no_row_of_another_run(
    config, ward, filling
) -> None:
    record = plain(filling)
    old = [shard for shard in planned(filling) if shard.record_id == record]
    read_again(config, ward, record)
    lake = Lake(config.lake)
    new = [shard for shard in planned(filling) if shard.record_id == record]
    summary = RunSummary(run_id="run", flow="backfill", lake=lake.url)
    for shards in (new, old):
        filler = Filler(filling, "run")
        done = [Done(shard, 1, filler.work(shard)) for shard in shards]
        commit_shards(
            done,
            filling,
            summary,
            {},
            Tidy(lake.location),
            backfill_plan.filling(lake, filling).spec,
        )
    there = lake.scan("backfill").filter(pl.col("record_id") == record).collect()

    assert there.height == sum(shard.wants.height for shard in new) > 0
