import math

import polars as pl
import pytest
from dataframely.exc import ValidationError

from schemas.backfill import Backfill

PRESSURES = [f"{p}{bound}" for p in ("sbp", "dbp", "map") for bound in ("", "_lower", "_upper")]
SIGNAL = ["samples", "lower", "upper", "scale", "zero", "unit"]


def with_value(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(name, [value], dtype=frame.schema[name]) for name, value in values.items()
    )


def abstained(filled: pl.DataFrame) -> pl.DataFrame:
    nothing = dict.fromkeys([*SIGNAL, *PRESSURES])
    return with_value(filled, **nothing, grade="absent", abstained="range")


def test_a_whole_row_is_valid(filled) -> None:
    assert Backfill.is_valid(filled)


def test_an_abstention_is_valid(filled) -> None:
    assert Backfill.is_valid(abstained(filled))


def test_a_measured_row_is_refused(filled) -> None:
    with pytest.raises(ValidationError, match="synthetic"):
        Backfill.validate(with_value(filled, synthetic=False))


@pytest.mark.parametrize("part", SIGNAL)
def test_a_signal_comes_with_its_band_and_its_unit(filled, part) -> None:
    with pytest.raises(ValidationError, match="band_and_scale_together"):
        Backfill.validate(with_value(filled, **{part: None}))


@pytest.mark.parametrize("part", SIGNAL)
def test_an_abstention_has_no_part_of_a_signal(filled, part) -> None:
    with pytest.raises(ValidationError, match="band_and_scale_together"):
        Backfill.validate(with_value(abstained(filled), **{part: filled[part][0]}))


@pytest.mark.parametrize("part", ["samples", "lower", "upper"])
def test_a_signal_of_other_than_500_counts_is_refused(filled, part) -> None:
    with pytest.raises(ValidationError, match="length"):
        Backfill.validate(with_value(filled, **{part: [0] * 499}))


def test_a_scale_of_zero_is_refused(filled) -> None:
    with pytest.raises(ValidationError, match="scale"):
        Backfill.validate(with_value(filled, scale=0.0))


def test_a_signal_that_was_made_is_not_absent(filled) -> None:
    with pytest.raises(ValidationError, match="absent_where_abstained"):
        Backfill.validate(with_value(filled, grade="absent"))


def test_an_abstention_has_no_grade_but_absent(filled) -> None:
    with pytest.raises(ValidationError, match="absent_where_abstained"):
        Backfill.validate(with_value(abstained(filled), grade="fair"))


def test_an_abstention_says_why_and_nothing_else_does(filled) -> None:
    for row in (
        with_value(abstained(filled), abstained=None),
        with_value(filled, abstained="range"),
    ):
        with pytest.raises(ValidationError, match="absent_where_abstained"):
            Backfill.validate(row)


@pytest.mark.parametrize(
    "told",
    [
        {"calibration": None},
        {"calibration": "cuff"},
        {"reference_age_s": 60.0},
        {"task": "impute"},
        {"modality": "ppg"},
    ],
)
def test_a_made_pressure_alone_is_calibrated_and_a_reading_has_its_age(filled, told) -> None:
    with pytest.raises(ValidationError, match="calibrated_where_made"):
        Backfill.validate(with_value(filled, **told))


def test_a_reading_may_come_later_than_its_window(filled) -> None:
    assert Backfill.is_valid(with_value(filled, calibration="line", reference_age_s=-60.0))


@pytest.mark.parametrize("part", PRESSURES)
def test_a_pressure_without_its_interval_or_a_bound_without_its_pressure_is_refused(
    filled, part
) -> None:
    with pytest.raises(ValidationError, match="pressure_with_its_interval"):
        Backfill.validate(with_value(filled, **{part: None}))


def test_a_pressure_without_a_signal_is_refused(filled) -> None:
    interval = {"map": 93.0, "map_lower": 70.0, "map_upper": 110.0}

    with pytest.raises(ValidationError, match="pressure_with_its_interval"):
        Backfill.validate(with_value(abstained(filled), **interval))


def test_a_signal_may_come_without_any_pressure(filled) -> None:
    assert Backfill.is_valid(with_value(filled, **dict.fromkeys(PRESSURES)))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("modality", "cvp"),
        ("task", "guess"),
        ("grade", "excellent"),
        ("n_samples", 0),
        ("steps", -1),
        ("window_index", -1),
        ("sbp", math.nan),
        ("conditions", None),
        ("seed", None),
        ("spec_sha256", None),
    ],
)
def test_a_value_out_of_its_range_is_refused(filled, column, value) -> None:
    with pytest.raises(ValidationError, match=column):
        Backfill.validate(with_value(filled, **{column: value}))


def test_two_models_may_answer_for_one_window_and_one_model_only_once(filled) -> None:
    other = with_value(filled, model_id="unicardio-1")

    assert Backfill.is_valid(pl.concat([filled, other]))
    assert not Backfill.is_valid(pl.concat([filled, filled]))
