import importlib.resources
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.lake import Lake
from ops.lake.commit import active_files, commit_files
from ops.lake.compact import compact
from ops.lake.evolve import conformed, grow
from ops.lake.files import write_files
from ops.lake.location import LakeError
from ops.lake.marks import readability, readable_since
from ops.lake.snapshot import Snapshot
from ops.lake.vacuum import judge_files, remove_files
from schemas.backfill import Backfill
from schemas.tables import TABLES, Table

CAME_SINCE = ["calibration", "reference_age_s", "abstained", "reference_sha256"]
NULLABLE = [name for name, column in Backfill.columns().items() if column.nullable]


def columns_but(*names: str) -> dict[str, dy.Column]:
    return {name: c for name, c in Backfill.columns().items() if name not in names}


def backfill_of(columns: dict[str, dy.Column]) -> Table:
    """The table as another pulselake has it."""
    return Table("backfill", type("Other", (dy.Schema,), columns), row_group_rows=128)


OLDER = backfill_of(columns_but(*CAME_SINCE))


def put_as(table: Table, lake: Lake, rows: pl.DataFrame) -> None:
    """Commit rows as a pulselake does that has this table."""
    commit_files(lake.location, table, write_files(lake.location, table, [rows]), None)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def made() -> Callable[..., pl.DataFrame]:
    """Make rows of an ABP from PPG, calibrated by a cuff."""

    def make(*windows: int) -> pl.DataFrame:
        n = len(windows)
        told = {
            "dataset": "ward",
            "record_id": "a",
            "modality": "abp",
            "task": "translate",
            "model_id": "m",
            "subject_id": "a",
            "samples": [100] * 500,
            "lower": [90] * 500,
            "upper": [110] * 500,
            "scale": 1.0,
            "zero": 0.0,
            "unit": "mmHg",
            "grade": "good",
            "conditions": ["ppg"],
            "calibration": "cuff",
            "reference_age_s": 60.0,
            "n_samples": 1,
            "model_sha256": "0",
            "sampler": "none",
            "steps": 0,
            "seed": 0,
            "input_sha256": "0",
            "reference_sha256": "1",
            "spec_sha256": "0",
            "synthetic": True,
            "run_id": "run",
            "created_at": datetime(2026, 11, 26, tzinfo=UTC),
        }
        columns = {name: [told.get(name)] * n for name in Backfill.column_names()}
        columns |= {"window_index": [*windows], "start_s": [4.0 * window for window in windows]}
        return pl.DataFrame(columns, schema=Backfill.create_empty().schema)

    return make


@pytest.fixture
def put_older(lake, made) -> Callable[..., None]:
    """Commit rows that an older pulselake made, which break rules that came since."""
    return lambda *windows: put_as(OLDER, lake, made(*windows).drop(CAME_SINCE))


def ages(rows: pl.LazyFrame) -> list[tuple[int, float | None]]:
    return rows.select("window_index", "reference_age_s").sort("window_index").collect().rows()


def by_duckdb(lake: Lake) -> pl.LazyFrame:
    folder = Path(str(importlib.resources.files("duckdb_extension_delta")))
    database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    database.load_extension(str(next(folder.rglob("*.duckdb_extension"))))
    return database.execute("from delta_scan(?)", [f"{lake.url}/backfill"]).pl().lazy()


def test_an_older_table_is_read_by_the_schema_of_now(lake, made, put_older) -> None:
    put_older(0, 1)
    rows = lake.scan("backfill")

    assert rows.collect_schema() == Backfill.create_empty().schema
    assert rows.drop(CAME_SINCE).collect().equals(made(0, 1).drop(CAME_SINCE))
    assert rows.select(CAME_SINCE).collect().null_count().row(0) == (2, 2, 2, 2)
    assert rows.filter(pl.col("calibration") == "cuff").collect().is_empty()


def test_filters_and_columns_of_an_older_table_still_reach_its_files(lake, put_older) -> None:
    put_older(0, 1)
    rows = lake.scan("backfill").filter(window_index=1).select("calibration", "sbp")
    plan = rows.explain()

    assert 'SELECTION: col("window_index") == 1' in plan
    assert "PROJECT 2/" in plan


def test_the_first_commit_of_today_adds_the_columns_for_all_readers(lake, made, put_older) -> None:
    put_older(0)
    lake.put("backfill", [made(1)])
    lake.put("backfill", [made(2)])
    expected = [(0, None), (1, 60.0), (2, 60.0)]

    assert lake.open("backfill").version() == 4
    assert ages(lake.scan("backfill")) == expected
    assert ages(pl.scan_delta(f"{lake.url}/backfill")) == expected
    assert ages(by_duckdb(lake)) == expected


@pytest.mark.parametrize(
    "condition", [pl.col("reference_age_s") > 1, pl.col("calibration").is_null()]
)
def test_filters_on_a_new_column_choose_rows_among_mixed_files(
    lake, made, put_older, condition
) -> None:
    put_older(0)
    lake.put("backfill", [made(1)])
    chosen = ages(pl.DataFrame(lake.scan("backfill").collect()).lazy().filter(condition))

    assert ages(lake.scan("backfill").filter(condition)) == chosen
    assert ages(pl.scan_delta(f"{lake.url}/backfill").filter(condition)) == chosen


def test_a_table_is_read_as_it_was_before_its_columns_came(lake, made, put_older) -> None:
    put_older(0)
    moment = datetime.now(UTC)
    lake.put("backfill", [made(1)])
    then = Lake(lake.url, as_of=moment).scan("backfill")

    assert then.collect_schema() == Backfill.create_empty().schema
    assert ages(then) == [(0, None)]


def test_compaction_keeps_older_rows_beside_newer_ones(lake, made, put_older) -> None:
    for window in (0, 2):
        put_older(window)
    for window in (1, 3):
        lake.put("backfill", [made(window)])
    fewer = compact(lake.location, "backfill")

    assert fewer == 3
    assert ages(lake.scan("backfill")) == [(0, None), (1, 60.0), (2, None), (3, 60.0)]
    assert ages(by_duckdb(lake)) == ages(lake.scan("backfill"))


def test_compaction_of_an_older_table_adds_the_columns_too(lake, made, put_older) -> None:
    for window in range(4):
        put_older(window)
    compact(lake.location, "backfill")

    assert ages(pl.scan_delta(f"{lake.url}/backfill")) == [(i, None) for i in range(4)]


def test_a_row_of_an_older_file_is_replaced_and_its_neighbours_stay(lake, made, put_older) -> None:
    put_older(0, 1, 2)
    gone = lake.put("backfill", [made(1)], replacing=made(1).select(TABLES["backfill"].key))

    assert gone == 1
    assert ages(lake.scan("backfill")) == [(0, None), (1, 60.0), (2, None)]


def test_a_snapshot_reads_mixed_files_by_the_schema_of_now(lake, made, put_older) -> None:
    put_older(0)
    lake.put("backfill", [made(1)])
    snapshot = Snapshot(lake.location, "backfill")
    rows = snapshot.rows(dataset="ward", record_id="a")
    aged = snapshot.rows(dataset="ward", record_id="a", reference_age_s=(0.0, 90.0))

    assert rows.collect().schema == Backfill.create_empty().schema
    assert ages(rows) == [(0, None), (1, 60.0)]
    assert ages(rows.filter(pl.col("calibration").is_null())) == [(0, None)]
    assert ages(aged) == [(1, 60.0)]


def test_vacuum_takes_older_files_that_were_replaced_and_no_others(lake, made, put_older) -> None:
    put_older(0)
    put_older(1)
    lake.put("backfill", [made(1)], replacing=made(1).select(TABLES["backfill"].key))
    later = datetime.now(UTC) + timedelta(seconds=1)
    files = judge_files(
        lake.location, "backfill", keep=timedelta(0), older_than=timedelta(0), now=later
    )
    remove_files(lake.location, "backfill", files)

    assert sorted(file.fate for file in files) == ["active", "active", "replaced"]
    assert ages(lake.scan("backfill")) == [(0, None), (1, 60.0)]


def test_two_that_saw_the_same_older_table_add_its_columns_once(lake, put_older) -> None:
    put_older(0)
    first, second = lake.open("backfill"), lake.open("backfill")
    for seen in (first, second, first):
        grow(lake.location, TABLES["backfill"], seen)
    names = [field.name for field in lake.open("backfill").schema().fields]

    assert first.version() == second.version() == 2
    assert sorted(names) == sorted(Backfill.column_names())


def test_columns_are_added_to_a_table_that_another_has_written_meanwhile(lake, put_older) -> None:
    put_older(0)
    seen = lake.open("backfill")
    put_older(1)
    grow(lake.location, TABLES["backfill"], seen)

    assert lake.open("backfill").version() == 3
    assert ages(pl.scan_delta(f"{lake.url}/backfill")) == [(0, None), (1, None)]


def test_an_older_table_on_s3_takes_the_columns_of_now(s3, made) -> None:
    lake = Lake("s3://archive-bucket/older")
    put_as(OLDER, lake, made(0).drop(CAME_SINCE))
    lake.put("backfill", [made(1)])

    assert lake.open("backfill").version() == 3
    assert ages(lake.scan("backfill")) == [(0, None), (1, 60.0)]


def test_writers_at_once_all_finish_on_an_older_table(lake, made, put_older) -> None:
    put_older(0)
    writers = [
        threading.Thread(target=lake.put, args=("backfill", [made(window)]))
        for window in range(1, 7)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert ages(lake.scan("backfill")) == [(0, None), *((i, 60.0) for i in range(1, 7))]
    assert active_files(lake.open("backfill")).height == 7


def test_an_older_writer_goes_on_beside_a_newer_one(lake, made, put_older) -> None:
    put_older(0)
    lake.put("backfill", [made(1)])
    other = made(2).drop(CAME_SINCE)
    files = write_files(lake.location, OLDER, [other])
    lake.commit("backfill", files)

    assert ages(lake.scan("backfill")) == [(0, None), (1, 60.0), (2, None)]


@pytest.fixture
def newer(lake, made) -> Lake:
    """A lake whose table has a column that is unknown here."""
    table = backfill_of(columns_but() | {"device": dy.String(nullable=True)})
    for window in range(4):
        put_as(table, lake, made(window).with_columns(device=pl.lit("cuff 7")))
    return lake


def test_a_newer_table_is_read_without_what_is_unknown_here(newer, made) -> None:
    rows = newer.scan("backfill").sort("window_index").collect()
    by_key = Snapshot(newer.location, "backfill").rows(dataset="ward", record_id="a").collect()

    assert rows.equals(made(0, 1, 2, 3))
    assert by_key.sort("window_index").select(rows.columns).equals(rows)


@pytest.mark.parametrize(
    "write",
    [
        lambda lake, rows: lake.put("backfill", [rows]),
        lambda lake, rows: lake.commit("backfill", replacing=rows.select("dataset", "record_id")),
        lambda lake, _: compact(lake.location, "backfill"),
    ],
    ids=["put", "replace", "compact"],
)
def test_a_newer_table_is_not_written_and_loses_nothing(newer, made, write) -> None:
    with pytest.raises(LakeError, match=r"does not know \(device\) and can't be written by it"):
        write(newer, made(5))

    kept = pl.scan_delta(f"{newer.url}/backfill").collect()
    assert kept["device"].to_list() == ["cuff 7"] * 4


def test_a_newer_table_still_takes_a_mark_in_its_log(newer) -> None:
    commit_files(newer.location, TABLES["backfill"], [], None, lambda _: readability(1))

    assert readable_since(newer.open("backfill")) == 1


def test_a_column_of_another_type_is_refused_by_its_name(lake, made) -> None:
    retyped = backfill_of(columns_but() | {"steps": dy.Int64()})
    put_as(retyped, lake, made(0).cast({"steps": pl.Int64}))
    sentence = "column steps of table backfill of lake .* must be Int32, got Int64: read the lake"

    with pytest.raises(LakeError, match=sentence):
        lake.scan("backfill")
    with pytest.raises(LakeError, match=sentence):
        lake.put("backfill", [made(1)])
    with pytest.raises(LakeError, match=sentence):
        Snapshot(lake.location, "backfill")


def test_a_table_that_lacks_a_needed_column_is_refused_by_its_name(lake, made) -> None:
    put_as(backfill_of(columns_but("sampler")), lake, made(0).drop("sampler"))

    with pytest.raises(LakeError, match=r"column sampler .* must be String, got no such column"):
        lake.scan("backfill")


@given(st.sets(st.sampled_from(NULLABLE)))
def test_whatever_lacks_is_null_and_all_else_stays(made, lacking) -> None:
    rows = made(0, 1)
    there = rows.drop(lacking).with_columns(unknown=1)
    read = conformed(there.lazy(), TABLES["backfill"], there.columns).collect()

    assert read.schema == rows.schema
    assert read.drop(lacking).equals(rows.drop(lacking))
    assert all(read[name].is_null().all() for name in lacking)
