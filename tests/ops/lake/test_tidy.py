import polars as pl

from ops.lake import Lake
from ops.lake.commit import active_files
from ops.lake.tidy import Tidy


def test_files_are_put_together_when_they_have_become_many(tmp_path, window_rows) -> None:
    lake = Lake(str(tmp_path / "lake"))
    tidy = Tidy(lake.location, most_files=4)
    fewer, files = [], []
    for record_id in "abcdefghi":
        lake.put("windows", [window_rows.with_columns(record_id=pl.lit(record_id))])
        fewer.append(tidy.added("windows", 1))
        files.append(active_files(lake.open("windows")).height)

    assert fewer == [0, 0, 0, 3, 0, 0, 0, 4, 0]
    assert files == [1, 2, 3, 1, 2, 3, 4, 1, 2]
    assert lake.scan("windows").collect().height == 9 * window_rows.height


def test_one_tables_files_are_none_of_anothers(tmp_path, window_rows) -> None:
    lake = Lake(str(tmp_path / "lake"))
    tidy = Tidy(lake.location, most_files=4)
    for record_id in "abcd":
        lake.put("windows", [window_rows.with_columns(record_id=pl.lit(record_id))])

    assert [tidy.added("windows", 3), tidy.added("records", 3)] == [0, 0]
