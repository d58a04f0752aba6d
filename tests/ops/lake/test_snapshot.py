from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.snapshot import Snapshot
from schemas.windows import Window

ODD = ["a' OR '1'='1", "a%", "a_", ".*", "[a]", "a|b", 'say "a"', "p100/p1\\0", "x;--"]
ODD += ["é", "a b", "a%20b", "𠀀"]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def of(rows: pl.DataFrame, record_id: str, dataset: str = "ward") -> pl.DataFrame:
    return rows.with_columns(record_id=pl.lit(record_id), dataset=pl.lit(dataset))


def windows_of(lake: Lake, record_id: str, dataset: str = "ward", **between) -> pl.DataFrame:
    snapshot = Snapshot(lake.location, "windows")
    return snapshot.rows(dataset=dataset, record_id=record_id, **between).collect()


def data_files(lake: Lake) -> set[Path]:
    return set(Path(lake.url).glob("windows/**/*.parquet"))


def test_a_table_never_written_has_no_rows_and_all_columns(lake) -> None:
    assert windows_of(lake, "a").schema == Window.create_empty().schema
    assert windows_of(lake, "a", window_index=(0, 5)).is_empty()


def test_a_table_that_was_emptied_has_no_rows(lake, window_rows) -> None:
    lake.put("windows", [window_rows])
    lake.commit("windows", replacing=window_rows.select("dataset", "record_id").unique())

    assert windows_of(lake, "a").schema == Window.create_empty().schema
    assert windows_of(lake, "a").is_empty()


def test_the_rows_of_a_record_come_back_as_they_were_written(lake, window_rows) -> None:
    lake.put("windows", [window_rows, of(window_rows, "b")])
    rows = windows_of(lake, "a").select(Window.column_names())

    assert rows.sort("window_index").equals(window_rows)


def test_a_record_or_dataset_that_is_not_there_has_no_rows(lake, window_rows) -> None:
    lake.put("windows", [of(window_rows, "a"), of(window_rows, "c")])

    assert windows_of(lake, "b").is_empty()
    assert windows_of(lake, "z").is_empty()
    assert windows_of(lake, "a", dataset="other").is_empty()


def test_the_same_record_of_another_dataset_is_another(lake, window_rows) -> None:
    lake.put("windows", [window_rows, of(window_rows, "a", "unit [2]/%20")])

    assert windows_of(lake, "a")["dataset"].to_list() == ["ward"] * 3
    assert windows_of(lake, "a", "unit [2]/%20")["dataset"].to_list() == ["unit [2]/%20"] * 3


def test_bounds_take_both_ends(lake, window_rows) -> None:
    lake.put("windows", [window_rows])

    assert windows_of(lake, "a", window_index=(1, 2))["window_index"].to_list() == [1, 2]
    assert windows_of(lake, "a", window_index=(1, 1))["window_index"].to_list() == [1]
    assert windows_of(lake, "a", window_index=(3, 9)).is_empty()


def test_a_record_that_lies_in_several_files_comes_whole(lake, window_rows) -> None:
    for part in window_rows.iter_slices(1):
        lake.put("windows", [part])

    assert sorted(windows_of(lake, "a")["window_index"]) == [0, 1, 2]
    assert windows_of(lake, "a", window_index=(1, 1)).height == 1


def test_files_of_other_records_are_not_opened(lake, window_rows) -> None:
    lake.put("windows", [window_rows])
    before = data_files(lake)
    lake.put("windows", [of(window_rows, "b")])
    for path in data_files(lake) - before:
        path.unlink()

    assert windows_of(lake, "a").height == 3
    with pytest.raises(FileNotFoundError):
        windows_of(lake, "b")


def test_a_file_of_other_windows_of_the_record_is_not_opened(lake, window_rows) -> None:
    lake.put("windows", [window_rows[:1]])
    before = data_files(lake)
    lake.put("windows", [window_rows[1:]])
    for path in data_files(lake) - before:
        path.unlink()

    assert windows_of(lake, "a", window_index=(0, 0)).height == 1


def test_a_snapshot_stays_at_the_version_at_which_it_was_made(lake, window_rows) -> None:
    lake.put("windows", [window_rows])
    snapshot = Snapshot(lake.location, "windows")
    keys = window_rows.select("dataset", "record_id").unique()
    lake.put("windows", [window_rows[:1]], replacing=keys)

    assert snapshot.rows(dataset="ward", record_id="a").collect().height == 3
    assert windows_of(lake, "a").height == 1


def test_a_snapshot_reads_a_lake_that_was_compacted(lake, window_rows) -> None:
    for name in "abcde":
        lake.put("windows", [of(window_rows, name)])
    compact(lake.location, "windows")

    assert len(lake.open("windows").file_uris()) == 1
    assert windows_of(lake, "c")["record_id"].to_list() == ["c"] * 3


def test_a_record_id_is_text_and_no_pattern_or_query(lake, window_rows) -> None:
    lake.put("windows", [of(window_rows, name) for name in ["a", *ODD]])

    for name in ["a", *ODD]:
        assert windows_of(lake, name)["record_id"].to_list() == [name] * 3


def test_a_dataset_is_read_by_its_own_name_by_whichever_reader(lake, window_rows) -> None:
    names = ["ward", *ODD]
    lake.put("windows", [of(window_rows, "a", name) for name in names])

    assert set(lake.scan("windows").collect()["dataset"]) == set(names)
    for name in names:
        assert lake.scan("windows").filter(dataset=name).collect().height == 3
        assert windows_of(lake, "a", name)["dataset"].to_list() == [name] * 3


def test_a_dataset_of_any_name_can_be_replaced_and_compacted(lake, window_rows) -> None:
    for name in ODD:
        for record in "abcd":
            lake.put("windows", [of(window_rows, record, name)])
        compact(lake.location, "windows")
        key = of(window_rows, "b", name).select("dataset", "record_id").unique()
        lake.commit("windows", replacing=key)

    rows = lake.scan("windows").collect()
    assert rows.height == len(ODD) * 9
    assert set(rows["record_id"]) == {"a", "c", "d"}


def test_a_record_id_that_is_the_name_of_a_column_is_no_column(lake, window_rows) -> None:
    lake.put("windows", [window_rows, of(window_rows, "record_id")])

    assert windows_of(lake, "record_id")["record_id"].to_list() == ["record_id"] * 3


@settings(max_examples=15, deadline=None)
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
        min_size=2,
        max_size=4,
        unique=True,
    )
)
def test_any_record_id_is_found_and_finds_no_other(names, tmp_path_factory, window_rows) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    lake.put("windows", [of(window_rows[:1], name) for name in names[1:]])

    assert windows_of(lake, names[0]).is_empty()
    for name in names[1:]:
        assert windows_of(lake, name)["record_id"].to_list() == [name]
