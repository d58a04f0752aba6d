"""What a shipped model is to reach, read off a made-up evaluation."""

from typing import Any

import pytest

from ops.judge.claims import claims

Row = dict[str, Any]


def figure(value: float) -> Row:
    return {"mean": value, "median": value}


def result(cases: dict[str, dict[str, Row]]) -> Row:
    return {
        "cases": [{"name": name, "methods": methods} for name, methods in cases.items()],
        "methods": [
            {"model_id": "ours", "classical": False},
            {"model_id": "linear", "classical": True},
            {"model_id": "last cuff", "classical": True},
        ],
    }


def told(cases: dict[str, dict[str, Row]]) -> dict[str, tuple[float, bool]]:
    found = claims(result(cases), "ours")
    return {claim.name: (claim.value, claim.met) for claim in found}


def test_a_gap_is_held_against_the_best_classical_method_alone() -> None:
    found = told(
        {
            "impute/ecg/gap 30 %/alone": {
                "ours": {"rmse": figure(0.3)},
                "linear": {"rmse": figure(0.5)},
                "last cuff": {"rmse": figure(0.4)},
            },
            "impute/ecg/gap 30 %/ppg": {
                "ours": {"rmse": figure(0.25)},
                "linear": {"rmse": figure(0.1)},
            },
        }
    )
    over = "RMSE over that of the best classical method alone"

    assert found[f"30 % gap in ecg, alone: {over}"] == (pytest.approx(0.75), True)
    assert found[f"30 % gap in ecg, with ppg: {over}"] == (pytest.approx(0.625), False)


def test_noise_is_to_be_taken_away_and_at_12_db_no_harm_to_be_done() -> None:
    found = told(
        {
            "denoise/ppg/motion 0 dB/alone": {
                "ours": {"snr_gain_db": figure(5.0)},
                "linear": {"snr_gain_db": figure(1.5)},
            },
            "denoise/ppg/motion 12 dB/alone": {"ours": {"snr_gain_db": figure(-0.1)}},
        }
    )

    assert found["ppg with motion noise at 0 dB: gain above the best classical method, dB"] == (
        3.5,
        True,
    )
    assert found["ppg with motion noise at 12 dB: gain, dB"] == (-0.1, False)


def test_a_pressure_with_a_cuff_is_held_against_the_cuff_held() -> None:
    def pressures(mae: float) -> Row:
        return {"pressures": {"sbp": {"mae": figure(mae)}}}

    case = "translate/abp/absent/ecg+ppg/cuff first"
    found = told({case: {"ours": pressures(8.6), "last cuff": pressures(10.0)}})

    assert found == {
        "SBP with a first cuff: MAE over that of last cuff": (pytest.approx(0.86), False)
    }


def test_an_evaluation_without_the_model_claims_nothing() -> None:
    assert told({"impute/ecg/gap 30 %/alone": {"linear": {"rmse": figure(0.5)}}}) == {}
