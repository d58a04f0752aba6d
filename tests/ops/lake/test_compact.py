"""Compaction: order, row groups, and how much is read at once."""

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.lake import Lake
from ops.lake import compact as compaction
from ops.lake.commit import active_files
from ops.lake.compact import compact
from schemas.numerics import Numeric

ROW_GROUP = 128


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def windows(of: pl.DataFrame, record_id: str, indexes: range) -> pl.DataFrame:
    one = of.head(1).with_columns(record_id=pl.lit(record_id))
    index = pl.Series("window_index", indexes, dtype=pl.Int32)
    return pl.concat([one] * len(index)).with_columns(index, start_s=4.0 * index)


def row_groups(lake: Lake, path: str) -> list[int]:
    metadata = pq.read_metadata(f"{lake.url}/windows/{path}")
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def test_files_of_many_records_become_one_with_whole_row_groups(
    lake, window_rows, monkeypatch
) -> None:
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", 150)
    for record_id in "hcgbfaed":
        lake.put("windows", [windows(window_rows, record_id, range(50))])
    before = lake.scan("windows").sort("record_id", "window_index").collect()
    fewer = compact(lake.location, "windows")
    (path,) = active_files(lake.open("windows"))["path"]

    assert fewer == 7
    assert row_groups(lake, path) == [ROW_GROUP] * 3 + [400 - 3 * ROW_GROUP]
    assert lake.scan("windows").collect().equals(before)


def test_no_more_is_read_before_it_is_written_than_the_keys_ask_for(
    lake, window_rows, monkeypatch
) -> None:
    for record_id in "abcdefgh":
        lake.put("windows", [windows(window_rows, record_id, range(50))])
    seen: list[tuple[int, int]] = []
    n_read = 0

    def scan(*file):
        nonlocal n_read
        n_read += 1
        return true_scan(*file)

    def write(writer, rows):
        seen.append((n_read, rows.height))
        true_write(writer, rows)

    true_scan, true_write = compaction.scan_file, compaction.DataFileWriter.write
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr(compaction, "scan_file", scan)
    monkeypatch.setattr(compaction.DataFileWriter, "write", write)
    compact(lake.location, "windows")

    assert seen == [(2, 0), (4, 128), (6, 128), (8, 128), (8, 16)]


def test_windows_of_one_record_in_files_that_cross_come_out_in_order(
    lake, window_rows, monkeypatch
) -> None:
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", 1)
    for indexes in (range(0, 9, 3), range(1, 9, 3), range(2, 9, 3), range(9, 12), range(12, 15)):
        lake.put("windows", [windows(window_rows, "a", indexes)])
    compact(lake.location, "windows")

    assert lake.scan("windows").collect()["window_index"].to_list() == list(range(15))


@settings(max_examples=15, deadline=None)
@given(
    files=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), min_size=1, max_size=6),
        min_size=4,
        max_size=7,
    )
)
def test_whatever_the_files_the_rows_stay_and_are_sorted(files, tmp_path_factory) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    seen: set[tuple[str, int]] = set()
    for keys in files:
        new = sorted(set(keys) - seen)
        seen |= set(new)
        if new:
            lake.put("numerics", [numerics(new)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "ROWS_AT_ONCE", 3)
        compact(lake.location, "numerics")
    read = lake.scan("numerics").select("record_id", "start_s").collect().rows()

    assert sorted(read) == sorted(seen)
    assert read == sorted(seen) or active_files(lake.open("numerics")).height > 1


def numerics(keys: list[tuple[str, int]]) -> pl.DataFrame:
    n = len(keys)
    columns = {
        "dataset": ["ward"] * n,
        "record_id": [record_id for record_id, _ in keys],
        "name": ["HR"] * n,
        "start_s": [float(start_s) for _, start_s in keys],
        "subject_id": ["s"] * n,
        "quantity": ["hr"] * n,
        "value": [60.0] * n,
        "unit": ["bpm"] * n,
        "run_id": ["run"] * n,
    }
    return pl.DataFrame(columns, schema=Numeric.create_empty().schema)
