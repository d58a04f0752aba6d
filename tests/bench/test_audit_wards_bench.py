import json
from pathlib import Path

import polars as pl
import pytest

from bench import audit_wards
from bench.ward_pool import Errors, biased, draw_ward, simulate_pool
from schemas.audit import Audit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pool() -> pl.DataFrame:
    return simulate_pool(Errors(icc=0.6, too_narrow=1.4), 300, 0)


def test_a_pool_is_rows_of_the_audit(pool) -> None:
    assert Audit.is_valid(pool)
    assert pool["subject_id"].n_unique() == 300


def test_errors_are_as_alike_within_a_subject_as_they_are_said_to_be() -> None:
    pool = simulate_pool(Errors(icc=0.6, too_narrow=1.0), 1500, 0).filter(
        pl.col("abstained").is_null()
    )
    z = (pl.col("map") - pl.col("true_map")) / ((pl.col("map_upper") - pl.col("map")) / 1.645)
    rows = pool.with_columns(z=z)
    apart = rows.group_by("subject_id").agg(
        first=pl.col("z").sort_by("window_index").first(),
        last=pl.col("z").sort_by("window_index").last(),
    )

    assert rows["z"].std() == pytest.approx(1, abs=0.05)
    assert apart.select(pl.corr("first", "last")).item() == pytest.approx(0.6, abs=0.07)


def test_a_ward_is_40_subjects_the_same_whenever_it_is_drawn(pool) -> None:
    ward = draw_ward(pool, 7)

    assert ward["subject_id"].n_unique() == 40
    assert ward.equals(draw_ward(pool, 7))
    assert set(ward["subject_id"]) != set(draw_ward(pool, 8)["subject_id"])


def test_a_pool_that_is_too_small_for_a_ward_says_so(pool) -> None:
    few = pool.filter(pl.col("subject_id").is_in(["s1", "s2"]))

    with pytest.raises(ValueError, match="40 subjects can't be drawn from a pool of 2"):
        draw_ward(few, 0)


def test_what_a_line_calibrates_reads_as_high_as_the_line(pool) -> None:
    by = {name: rows for (name,), rows in biased(pool, 8).group_by("calibration")}
    before = {name: rows for (name,), rows in pool.group_by("calibration")}

    def error(rows):
        return (rows["map"] - rows["true_map"]).mean()

    assert error(by["line"]) == pytest.approx(error(before["line"]), abs=1e-3)
    assert error(by["cuff"]) == pytest.approx(error(before["cuff"]) - 8, abs=1e-3)


def test_few_wards_are_judged_as_many_are(pool) -> None:
    row = {"ICC": 0.6, "too narrow by": 1.4, "lines high by": 8.0}
    row |= audit_wards.averaged(audit_wards.judge_wards(pool, 8.0, 10, seed=0))
    reports = audit_wards.reports_of([row], "")

    assert row["coverage before"] < 0.75 < row["coverage after"]
    assert [bar.met for report in reports for bar in report.bars][1] is True
    assert all(len(r.header) == len(r.rows[0]) for r in reports)


def test_the_figures_kept_are_of_200_wards_and_meet_their_bars() -> None:
    path = ROOT / "bench" / "results" / "audit_wards.json"
    kept = json.loads(path.read_text(encoding="utf-8"))

    assert "means of 200 wards of 40 subjects" in kept["tables"][0]["note"]
    assert all(bar["met"] for bar in kept["bars"])
