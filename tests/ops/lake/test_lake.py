import threading
from datetime import datetime

import polars as pl
import pyarrow.parquet as pq
import pytest

from ops.lake import Lake
from ops.lake.commit import active_files
from ops.lake.compact import compact
from schemas.numerics import Numeric
from schemas.windows import Window


def numerics(record_id: str, values: list[float], dataset: str = "ward") -> pl.DataFrame:
    n = len(values)
    return pl.DataFrame(
        {
            "dataset": [dataset] * n,
            "record_id": [record_id] * n,
            "name": ["HR"] * n,
            "start_s": [60.0 * i for i in range(n)],
            "subject_id": [record_id] * n,
            "quantity": ["heart_rate"] * n,
            "value": values,
            "unit": ["bpm"] * n,
            "run_id": ["run"] * n,
        },
        schema=Numeric.create_empty().schema,
    )


def record_key(*record_ids: str, dataset: str = "ward") -> pl.DataFrame:
    return pl.DataFrame({"dataset": [dataset] * len(record_ids), "record_id": list(record_ids)})


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def rows_of(lake: Lake, record_id: str) -> list[float]:
    rows = lake.scan("numerics").filter(pl.col("record_id") == record_id)
    return rows.sort("start_s").collect()["value"].to_list()


def test_a_table_never_written_is_an_empty_frame_of_its_schema(lake) -> None:
    assert lake.scan("windows").collect().schema == Window.create_empty().schema


def test_rows_come_back_as_they_were_written(lake) -> None:
    lake.put("numerics", [numerics("a", [70.0, 71.0])])

    assert (
        lake.scan("numerics")
        .select(Numeric.column_names())
        .collect()
        .equals(numerics("a", [70.0, 71.0]))
    )


def test_a_commit_replaces_the_rows_of_its_records_and_no_others(lake) -> None:
    lake.put("numerics", [numerics("a", [70.0, 71.0]), numerics("b", [80.0])])
    gone = lake.put("numerics", [numerics("a", [60.0])], replacing=record_key("a"))

    assert gone == 2
    assert rows_of(lake, "a") == [60.0]
    assert rows_of(lake, "b") == [80.0]


def test_rows_can_be_taken_out_without_any_to_put_in(lake) -> None:
    lake.put("numerics", [numerics("a", [70.0]), numerics("b", [80.0])])
    lake.commit("numerics", replacing=record_key("b"))

    assert lake.scan("numerics").collect()["record_id"].to_list() == ["a"]


def test_a_commit_that_changes_nothing_makes_no_version(lake) -> None:
    lake.put("numerics", [numerics("a", [70.0])])
    before = lake.open("numerics").version()
    lake.commit("numerics", replacing=record_key("c"))

    assert lake.open("numerics").version() == before


def test_replacing_in_one_dataset_leaves_the_same_record_of_another(lake) -> None:
    lake.put("numerics", [numerics("a", [1.0]), numerics("a", [2.0], dataset="other ward/1")])
    lake.commit("numerics", replacing=record_key("a", dataset="other ward/1"))

    assert lake.scan("numerics").collect()["dataset"].to_list() == ["ward"]


def test_two_writers_of_one_key_leave_the_rows_of_one(lake) -> None:
    lake.put("numerics", [numerics("z", [0.0])])
    threads = [
        threading.Thread(
            target=lake.put,
            args=("numerics", [numerics("a", [float(i)] * 3)]),
            kwargs={"replacing": record_key("a")},
        )
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    values = rows_of(lake, "a")
    assert len(values) == 3
    assert len(set(values)) == 1


def test_a_row_that_breaks_a_rule_never_enters(lake) -> None:
    window = Window.create_empty().clear(1).with_columns(dataset=pl.lit("ward"))

    with pytest.raises(Exception, match="rules"):
        lake.put("windows", [window])


def test_compaction_keeps_the_rows_and_sorts_them(lake) -> None:
    for record_id in "edcba":
        lake.put("numerics", [numerics(record_id, [1.0, 2.0])])
    before = lake.scan("numerics").sort("record_id", "start_s").collect()
    fewer = compact(lake.location, "numerics")
    files = active_files(lake.open("numerics"))

    assert fewer == 4
    assert files.height == 1
    assert lake.scan("numerics").collect().equals(before)


def test_a_record_is_replaced_inside_a_compacted_file(lake) -> None:
    for record_id in "abcde":
        lake.put("numerics", [numerics(record_id, [1.0])])
    compact(lake.location, "numerics")
    lake.put("numerics", [numerics("c", [9.0])], replacing=record_key("c"))

    assert lake.scan("numerics").sort("record_id").collect()["value"].to_list() == [1, 1, 9, 1, 1]


def test_a_signal_is_written_delta_packed(lake, window_rows) -> None:
    with lake.writer("windows", {"dataset": "ward"}) as file:
        file.write(window_rows)
    (written,) = file.finished()
    parquet = pq.ParquetFile(f"{lake.url}/windows/{written.path}").metadata.row_group(0)
    encodings = {
        parquet.column(i).path_in_schema: parquet.column(i).encodings
        for i in range(parquet.num_columns)
    }

    assert "DELTA_BINARY_PACKED" in encodings["abp.list.element"]


def test_a_header_time_in_a_far_year_survives(lake, window_rows) -> None:
    lake.put("windows", [window_rows.with_columns(start_time=datetime(2896, 10, 9, 1, 56, 25))])  # noqa: DTZ001

    assert lake.scan("windows").collect()["start_time"][0].year == 2896


def test_an_empty_place_for_a_lake_is_refused() -> None:
    with pytest.raises(ValueError, match="a lake needs a folder or URL"):
        Lake(" ")
