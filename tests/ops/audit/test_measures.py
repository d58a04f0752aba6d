"""What an audit comes to, as shipped and as the site corrects it."""

import json

import polars as pl
import pytest

from bench.ward_pool import Errors, biased, draw_ward, simulate_pool
from ops.audit.measures import audit_measures, figures, measures_of_model


@pytest.fixture(scope="module")
def high_ward() -> pl.DataFrame:
    return biased(draw_ward(simulate_pool(Errors(0.3, 1.4), 120, 0), 0, 120), 8)


@pytest.fixture(scope="module")
def measured(high_ward) -> dict:
    return measures_of_model(high_ward)


def test_a_planted_bias_is_seen_and_gone_where_the_site_corrects(measured) -> None:
    """The 40 or so subjects of a half leave the mean error uncertain by a millimetre or two."""
    cuff = measured["calibrations"]["cuff"]

    assert cuff["every"]["pressures"]["map"]["me"] == pytest.approx(-8, abs=1.5)
    assert cuff["judges"]["pressures"]["map"]["me"] == pytest.approx(-8, abs=2.5)
    assert cuff["judges_site"]["pressures"]["map"]["me"] == pytest.approx(0, abs=2.5)


def test_intervals_that_were_too_narrow_hold_more_after_the_correction(measured) -> None:
    cuff = measured["calibrations"]["cuff"]
    before, after = (cuff[view]["pressures"]["map"] for view in ("judges", "judges_site"))

    assert before["coverage"]["mean"] < 0.7
    assert after["coverage"]["mean"] == pytest.approx(0.9, abs=0.06)
    assert before["coverage"]["groups"] == after["coverage"]["groups"]


def test_only_those_who_judge_are_in_the_judges_views(high_ward, measured) -> None:
    whole = measured["calibrations"]["all"]
    judges = high_ward.filter(half="judges")

    assert whole["every"]["subjects"] == 120
    assert whole["judges"]["subjects"] == judges["subject_id"].n_unique()
    assert whole["judges_site"]["windows"] == judges.height


def test_windows_without_an_answer_are_counted_by_reason(audited) -> None:
    told = figures(
        audited({}, {"abstained": "range"}, {"abstained": "range"}, {"abstained": "silent"})
    )

    assert told["abstained"] == {"range": 2, "silent": 1}
    assert told["windows"] == 4
    assert told["pressures"]["sbp"]["windows"] == 1


def test_a_calibration_that_is_not_there_is_not_told(audited) -> None:
    told = measures_of_model(audited({}, {"subject_id": "b"}))

    assert set(told["calibrations"]) == {"all", "none"}


def test_every_model_of_every_dataset_is_measured_by_itself(audited) -> None:
    rows = audited({}, {"model_id": "m-2", "spec_sha256": "2"}, {"dataset": "other"})
    told = [(one["dataset"], one["model_id"], one["windows"]) for one in audit_measures(rows)]

    assert told == [("icu", "m-1", 1), ("icu", "m-2", 1), ("other", "m-1", 1)]


def test_what_is_measured_is_json(high_ward, audited) -> None:
    silent = audited({"abstained": "range"}, {"abstained": "range", "subject_id": "b"})

    json.dumps(audit_measures(pl.concat([high_ward, silent])), allow_nan=False)


def test_no_rows_measure_nothing(audited) -> None:
    assert audit_measures(audited()) == []


def test_low_windows_that_nothing_is_said_of_are_counted_beside_the_others(audited) -> None:
    rows = audited({"true": 60.0}, {"true": 60.0, "abstained": "range"}, {"abstained": "range"})
    told = figures(rows)["hypotension"]

    assert (told["windows_below"], told["windows_below_abstained"]) == (1, 1)
