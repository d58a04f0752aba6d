import math

import polars as pl
import pytest

from ops.fill.silence import silence
from schemas.restoration import Trained

TRAINED = Trained(hr=(50.0, 180.0), sbp=(80.0, 200.0), dbp=(50.0, 135.0))


def why(trained: Trained = TRAINED, most_age_s: float = 3600.0, **told: object) -> str | None:
    asked = {
        "task": "translate",
        "modality": "abp",
        "conditions": ["ecg", "ppg"],
        "hr_ecg": 75.0,
        "hr_ppg": None,
        "hr_abp": None,
        "ecg_missing": 0.0,
        "ppg_missing": 0.0,
        "abp_missing": 1.0,
        "reference_sbp": 120.0,
        "reference_dbp": 70.0,
        "reference_age_s": 60.0,
    }
    types = dict.fromkeys(
        ("hr_ecg", "hr_ppg", "hr_abp", "reference_sbp", "reference_dbp"), pl.Float32
    )
    row = pl.DataFrame([asked | told], schema_overrides=types | {"reference_age_s": pl.Float64})
    return row.select(silence(trained, most_age_s)).item()


def test_a_usual_window_is_spoken_on() -> None:
    assert why() is None


@pytest.mark.parametrize(
    "poor",
    [
        {"hr_ecg": None},
        {"conditions": ["ppg"]},
        {"ecg_missing": 0.3, "ppg_missing": 0.25},
        {"conditions": ["ecg"], "ecg_missing": 0.21},
        {"hr_ecg": None, "hr_abp": 75.0},
    ],
)
def test_without_a_rate_or_with_too_much_missing_conditions_are_poor(poor) -> None:
    assert why(**poor) == "conditions"


def test_one_whole_condition_is_enough() -> None:
    assert why(ppg_missing=0.5) is None


@pytest.mark.parametrize(
    "beyond",
    [
        {"hr_ecg": 45.0},
        {"hr_ecg": 190.0},
        {"reference_sbp": 75.0},
        {"reference_sbp": 210.0},
        {"reference_dbp": 45.0},
    ],
)
def test_beyond_what_the_model_was_trained_on_it_is_silent(beyond) -> None:
    assert why(**beyond) == "range"
    assert why(Trained(), **beyond) is None


@pytest.mark.parametrize("age_s", [3601.0, -3601.0])
def test_a_reading_too_old_or_too_far_ahead_is_not_gone_by(age_s) -> None:
    assert why(reference_age_s=age_s) == "reference_age"
    assert why(reference_age_s=age_s, most_age_s=math.inf) is None


def test_without_a_reading_there_is_none_too_old() -> None:
    assert why(reference_age_s=None, reference_sbp=None, reference_dbp=None) is None


@pytest.mark.parametrize("mended", [{"task": "impute"}, {"modality": "ppg"}])
def test_what_is_no_pressure_made_from_others_is_not_asked(mended) -> None:
    assert why(hr_ecg=None, **mended) is None
