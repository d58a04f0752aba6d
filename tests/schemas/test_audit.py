from datetime import UTC, datetime

import polars as pl
import pytest
from dataframely.exc import ValidationError

from schemas.audit import Audit
from schemas.restoration import PRESSURES

TOLD = [f"{p}{bound}" for p in PRESSURES for bound in ("", "_lower", "_upper")]
REFERENCE = [f"reference_{part}" for part in ("age_s", *PRESSURES)]


@pytest.fixture
def audited() -> pl.DataFrame:
    """One window that a cuff calibrated."""
    row = dict.fromkeys(Audit.column_names()) | {
        **dict.fromkeys(("dataset", "record_id", "model_id", "run_id", "subject_id"), "a"),
        **dict.fromkeys(("model_sha256", "input_sha256", "spec_sha256"), "0"),
        **dict.fromkeys([*TOLD, *REFERENCE, *(f"true_{p}" for p in PRESSURES)], 90.0),
        "window_index": 0,
        "start_s": 0.0,
        "half": "judges",
        "conditions": ["ecg", "ppg"],
        "calibration": "cuff",
        "audited_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return pl.DataFrame([row], schema=Audit.create_empty().schema)


def without(rows: pl.DataFrame, *names: str, **told: str) -> pl.DataFrame:
    gone = [pl.lit(None, rows.schema[name]).alias(name) for name in names]
    return rows.with_columns(*gone, **{name: pl.lit(value) for name, value in told.items()})


def test_a_whole_row_an_abstention_and_one_without_reading_are_valid(audited) -> None:
    assert Audit.is_valid(audited)
    assert Audit.is_valid(without(audited, *TOLD, abstained="range"))
    assert Audit.is_valid(without(audited, *REFERENCE, calibration="none"))


@pytest.mark.parametrize("part", TOLD)
def test_a_model_tells_all_pressures_or_none_and_why(audited, part) -> None:
    for row in (without(audited, part), without(audited, *TOLD)):
        with pytest.raises(ValidationError, match="told_or_abstained"):
            Audit.validate(row)


@pytest.mark.parametrize("part", REFERENCE)
def test_a_reading_is_whole_or_none(audited, part) -> None:
    with pytest.raises(ValidationError, match="reference_is_whole"):
        Audit.validate(without(audited, part))


def test_the_truth_is_always_known(audited) -> None:
    with pytest.raises(ValidationError, match="true_map"):
        Audit.validate(without(audited, "true_map"))
