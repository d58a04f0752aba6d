import os
from collections.abc import Callable

import polars as pl
import pytest

from flows import restorers
from flows.config import NightlyConfig
from flows.nightly import nightly
from ops.ingest_record import READER_VERSION
from ops.lake import Lake
from ops.restore import ClassicalRestorer
from schemas.tables import TABLES


class Better(ClassicalRestorer):
    """The classical restorers under another name."""

    @property
    def model_id(self) -> str:
        return "better-1"


@pytest.fixture
def keyed(config: NightlyConfig) -> Callable[[], dict[str, pl.DataFrame]]:
    """Give the rows of the lake, after seeing that no key has two."""

    def rows() -> dict[str, pl.DataFrame]:
        tables = {name: Lake(config.lake).scan(name).collect() for name in TABLES}
        doubled = {n: r.select(TABLES[n].key).is_duplicated().sum() for n, r in tables.items()}
        answered = tables["backfill"].select("dataset", "record_id", "window_index", "modality")

        assert doubled == dict.fromkeys(TABLES, 0)
        assert not answered.is_duplicated().any()
        return tables

    return rows


def test_rows_of_another_model_or_seed_take_the_place_of_the_old(
    config, keyed, monkeypatch
) -> None:
    before = keyed()["backfill"]
    monkeypatch.setattr(restorers, "ClassicalRestorer", Better)
    nightly(config)
    better = keyed()["backfill"]
    nightly(config.model_copy(update={"seed": 1}))
    reseeded = keyed()["backfill"]

    assert before["model_id"].unique().to_list() == ["classical-1"]
    assert better["model_id"].unique().to_list() == ["better-1"]
    assert better.height == reseeded.height == before.height
    assert not set(reseeded["spec_sha256"]) & set(better["spec_sha256"])


def test_rows_of_a_changed_record_take_the_place_of_the_old(config, ward, keyed) -> None:
    before = keyed()
    record_id = before["backfill"]["record_id"].min()
    header = (ward / record_id).with_suffix(".hea")
    os.utime(header)
    summary = nightly(config)
    after = keyed()

    assert summary.records_ingested == 1
    for table in ("records", "windows", "backfill"):
        runs = (
            after[table].group_by(pl.col("record_id") == record_id).agg(pl.col("run_id").unique())
        )
        by_run = dict(runs.rows())
        assert by_run[True] == [summary.run_id], table
        assert summary.run_id not in by_run[False], table
        assert after[table].height == before[table].height, table


def test_rows_of_a_new_grader_version_take_the_place_of_the_old(config, keyed, monkeypatch) -> None:
    before = keyed()
    for module in ("ops.window_rows", "flows.actors.reader"):
        monkeypatch.setattr(f"{module}.GRADER_VERSION", "next")
    monkeypatch.setattr("flows.ingest.CODE_VERSION", f"reader {READER_VERSION}, grader next")
    summary = nightly(config)
    after = keyed()
    again = nightly(config)

    assert summary.records_unchanged == 0
    assert again.records_ingested == 0
    assert after["windows"]["grader_version"].unique().to_list() == ["next"]
    for table in ("windows", "backfill"):
        assert after[table]["run_id"].unique().to_list() == [summary.run_id], table
        assert after[table].height == before[table].height, table
