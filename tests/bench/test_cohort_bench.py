import polars as pl
import pytest

from bench.cohort import BARRED, FORMS, export, steps, whole
from bench.cohort_lake import build_cohort_lake, sizes_of
from ops.cohort.pressures import measured, synthetic


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return build_cohort_lake(str(tmp_path_factory.mktemp("bench") / "lake"), 5_000)


def test_half_of_the_windows_are_measured_and_the_rest_was_filled(lake) -> None:
    assert measured(lake).select(pl.len()).collect().item() == 2_500
    assert synthetic(lake).select(pl.len()).collect().item() == 2_500
    assert lake.scan("windows").select(pl.col("ecg").null_count()).collect().item() == 0
    assert {"windows", "backfill", "audit", "records", "demographics"} == sizes_of(lake).keys()


def test_an_export_is_a_command_of_its_own_that_tells_its_steps(lake, tmp_path) -> None:
    told = export(lake, ("parquet",), tmp_path / "out")

    assert told["sources"]["measured"]["windows"] == 2_500
    assert told["wall"] > told["seconds"] > sum(told["timings"].values()) > 0
    assert told["cpu"] > 0
    assert [row[0] for row in steps(told).rows][:2] == ["measured series", "measured hourly"]


def test_a_slow_or_large_export_misses_its_bar() -> None:
    slow = {"wall": 10.1, "cpu": 1.0, "peak_rss_mib": 100.0}
    large = {"wall": 1.0, "cpu": 1.0, "peak_rss_mib": 2049.0}
    missed = [
        [bar.met for bar in whole({BARRED: [run]}, {BARRED: 1.0}).bars] for run in (slow, large)
    ]

    assert missed == [[False, True], [True, False]]
    assert BARRED in FORMS
