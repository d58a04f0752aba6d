import polars as pl
import pytest

from flows import record_groups as groups_of
from flows.backfill import backfill
from flows.backfill_plan import filling, plan_group
from flows.config import BackfillConfig, IngestConfig
from flows.ingest import ingest
from flows.record_groups import record_groups
from ops.lake import Lake


@pytest.fixture
def read_only(config, tmp_path) -> BackfillConfig:
    """A lake of windows alone, and what is to fill it."""
    lake = str(tmp_path / "windows")
    ingest(IngestConfig(source=config.source, lake=lake, workers=0))
    return BackfillConfig(lake=lake, restorer="classical", workers=0)


def test_groups_cover_every_record_once(read_only, monkeypatch) -> None:
    monkeypatch.setattr(groups_of, "GROUP_WINDOWS", 40)
    lake = Lake(read_only.lake)
    groups = list(record_groups(lake, ""))
    ids = [row for g in groups for row in g.of(lake.scan("records")).collect()["record_id"]]

    assert len(groups) > 2
    assert (groups[0].after, groups[-1].upto) == (None, None)
    assert sorted(ids) == sorted(lake.scan("records").collect()["record_id"])
    n_windows = lake.scan("windows").select(pl.len()).collect().item()
    assert sum(group.n_windows for group in groups) == n_windows


def test_what_is_planned_does_not_depend_on_the_groups(read_only, monkeypatch) -> None:
    lake = Lake(read_only.lake)
    by = filling(lake, read_only)

    def planned() -> set[str]:
        groups = record_groups(lake, "")
        shards = [s for group in groups for s in plan_group(lake, read_only, group, by).shards]
        return {f"{shard.path} {shard.fingerprint(by.spec)}" for shard in shards}

    at_once = planned()
    monkeypatch.setattr(groups_of, "GROUP_WINDOWS", 40)

    assert at_once
    assert planned() == at_once


def test_a_lake_is_filled_group_by_group(read_only, config, monkeypatch, rows_of) -> None:
    monkeypatch.setattr(groups_of, "GROUP_WINDOWS", 40)
    summary = backfill(read_only)
    again = backfill(read_only)

    assert summary.shards > 2
    assert (again.shards, again.rows_changed) == (0, 0)
    assert rows_of(read_only.lake)["backfill"].equals(rows_of(config.lake)["backfill"])


def test_a_lake_without_records_has_nothing_to_plan(tmp_path) -> None:
    assert list(record_groups(Lake(str(tmp_path / "none")), "")) == []
