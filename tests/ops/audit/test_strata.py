"""Errors by stratum; few subjects are told to be few."""

import polars as pl
import pytest

from bench.ward_pool import Errors, simulate_pool
from ops.audit.strata import KINDS, LEAST_SUBJECTS, SCHEMA, strata


def names(found, kind):
    return found.filter(kind=kind, pressure="map")["stratum"].to_list()


def test_ages_of_references_reach_up_to_their_edges_and_come_in_order(audited) -> None:
    ages = (14401.0, 14400.0, 3600.0, 900.0, -4.0)
    rows = ({"calibration": "cuff", "held": 80.0, "reference_age_s": age} for age in ages)

    assert names(strata(audited(*rows, {})), "reference_age") == [
        "up to 15 min",
        "up to 1 h",
        "up to 4 h",
        "above 4 h",
        "later",
        "no reference",
    ]


@pytest.mark.parametrize(
    ("hr", "stratum"),
    [(59.9, "below 60"), (60.0, "60 to 100"), (100.0, "100 and above"), (None, None)],
)
def test_a_heart_rate_at_an_edge_is_in_the_upper_stratum(audited, hr, stratum) -> None:
    assert names(strata(audited({"hr": hr})), "hr") == ([stratum] if stratum else [])


def test_strata_of_pressure_go_by_the_true_map(audited) -> None:
    found = strata(audited(*({"true": t, "error": -30.0} for t in (64.0, 65.0, 80.0, 100.0))))

    assert names(found, "true_map") == ["below 65", "65 to 80", "80 to 100", "100 and above"]


def test_what_a_site_gives_for_some_is_told_for_the_others_as_not_given(audited) -> None:
    found = strata(audited({"skin_tone": "VI"}, {"skin_tone": "I"}, {}))

    assert names(found, "skin_tone") == ["I", "VI", "not given"]


def test_what_a_site_gives_for_nobody_is_left_out(audited) -> None:
    assert names(strata(audited({})), "skin_tone") == []


def test_few_subjects_are_told_with_their_figures_and_that_they_are_few(audited) -> None:
    rows = [{"subject_id": f"s{i}", "sex": "F", "error": 2.0} for i in range(LEAST_SUBJECTS)]
    found = strata(audited(*rows, *({"sex": "M", "error": 5.0} for _ in range(50))))
    by_sex = found.filter(kind="sex", pressure="map")

    assert by_sex.select("stratum", "subjects", "enough", "me", "mae").rows() == [
        ("F", 10, True, pytest.approx(2), pytest.approx(2)),
        ("M", 1, False, pytest.approx(5), pytest.approx(5)),
    ]


def test_windows_without_an_answer_are_counted_beside_those_with_one(audited) -> None:
    found = strata(audited({}, {"abstained": "range"}, {"abstained": "range"}))
    of_dataset = found.filter(kind="dataset", pressure="map")

    assert of_dataset.select("windows", "abstained").rows() == [(1, 2)]


def test_every_kind_parts_all_windows() -> None:
    pool = simulate_pool(Errors(0.6, 1.0), 60, 0)
    found = strata(pool).filter(pressure="sbp")
    sums = found.group_by("kind").agg(pl.col("windows", "abstained").sum())

    assert set(found["kind"]) < set(KINDS)
    assert set(sums["windows"] + sums["abstained"]) == {pool.height}
    assert found.filter(pl.col("windows") > 0)["coverage"].is_between(0, 1).all()


def test_no_rows_have_no_strata(audited) -> None:
    assert strata(audited()).schema == pl.Schema(SCHEMA)
