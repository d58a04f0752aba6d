from typing import Any

import pytest

from bench.night import AROUND, BETWEEN, run_night, steps, work
from infra.demo.archive import write_archive
from ops.lake import Lake


@pytest.fixture
def told() -> dict[str, Any]:
    """What a night of 20 s tells, 12 of them inside its run and 9 in its steps."""
    return {
        "wall": 20.0,
        "seconds": 12.0,
        "timings": {"read and grade": 4.0, "fill": 5.0},
        "windows": 1800,
        "backfilled": {"translate": {"abp": 90}, "impute": {"ecg": 9}},
        "backfill_abstained": 1,
        "device_busy_share": 0.85,
        "peak_rss_mib": 600.0,
    }


def test_every_second_of_a_night_is_told_once(told) -> None:
    rows = {row[0]: row[1:] for row in steps({"night": told}).rows}
    whole = rows.pop("the whole night")

    assert rows[AROUND] == [8.0, 0.4]
    assert rows[BETWEEN] == [3.0, 0.15]
    assert [sum(column) for column in zip(*rows.values(), strict=True)] == pytest.approx(whole)


def test_devices_that_wait_miss_their_bar(told, tmp_path) -> None:
    report = work(told, Lake(str(tmp_path)))
    figures = dict(report.rows)

    assert figures["hours of records read and graded a second"] == 0.5
    assert figures["synthetic signals a second"] == 20.0
    assert figures["kB a window in the lake"] == 0
    assert [bar.met for bar in report.bars] == [False]


@pytest.mark.slow
def test_a_real_night_is_told_by_its_steps(tmp_path) -> None:
    write_archive(tmp_path / "ward", minutes=1)
    told = run_night(tmp_path / "ward", tmp_path / "lake")

    assert {"plan ingest", "start workers", "read and grade", "fill"} <= told["timings"].keys()
    assert 0 < told["device_busy_share"] <= 1
    assert sum(told["timings"].values()) <= told["seconds"] <= told["wall"]
