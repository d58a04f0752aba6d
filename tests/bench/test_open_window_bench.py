import pytest

from bench.open_window import cohort, files, opening
from bench.open_window_lake import DATASET, build_lake, record_name
from bench.open_window_ways import duckdb_way, one_window, scanned
from ops.lake import Lake
from ops.lake.snapshot import Snapshot


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Four records of 130 windows, compacted."""
    return build_lake(str(tmp_path_factory.mktemp("open_window") / "lake"), 4, 130)


def test_every_way_opens_the_same_window(lake) -> None:
    pick = (record_name(2), 129)
    ours = one_window(Snapshot(lake.location, "windows"), *pick)
    theirs = [scanned(lake, *pick), duckdb_way(lake)(*pick)]

    assert ours["dataset"].to_list() == [DATASET]
    for found in theirs:
        assert found.select(ours.columns).equals(ours)


def test_a_window_that_is_not_there_stops_the_benchmark(lake) -> None:
    with pytest.raises(RuntimeError, match="window 130 of p00/s0000 was found 0 times"):
        one_window(Snapshot(lake.location, "windows"), record_name(0), 130)


def test_the_reports_tell_of_all_windows_and_hold_the_bars(lake) -> None:
    picks = [(record_name(i), 40 * i) for i in range(4)]
    opened, read, laid_out = opening(lake, picks, few=1), cohort(lake), files(lake)

    assert [bar.wanted for bar in opened.bars + read.bars] == ["<= 20", "<= 20", "<= 0.05"]
    assert sum(row[0] for row in laid_out.rows) == 520
    n_windows, megabytes = ([row[column] for row in read.rows] for column in (1, 2))
    assert n_windows == [n_windows[0]] * 3
    assert 0 < megabytes[0] < megabytes[1] < megabytes[2]
