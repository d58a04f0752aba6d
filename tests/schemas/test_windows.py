import math

import polars as pl
import pytest
from dataframely.exc import ValidationError

from schemas.grid import MISSING
from schemas.windows import Window


def with_value(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(name, [value], dtype=frame.schema[name]) for name, value in values.items()
    )


def without_abp(window: pl.DataFrame) -> pl.DataFrame:
    nothing = ("abp", "abp_scale", "abp_zero", "abp_unit", "abp_lead", "sbp", "dbp", "map")
    return with_value(window, **dict.fromkeys(nothing), abp_grade="absent", abp_missing=1.0)


def test_a_whole_window_is_valid(window) -> None:
    assert Window.is_valid(window)


def test_a_window_without_abp_and_pressures_is_valid(window) -> None:
    assert Window.is_valid(without_abp(window))


def test_a_count_may_be_missing(window) -> None:
    assert Window.is_valid(with_value(window, abp=[MISSING] * 250 + [0] * 250))


@pytest.mark.parametrize("part", ["scale", "zero", "unit", "lead"])
@pytest.mark.parametrize("m", ["ecg", "abp"])
def test_a_signal_without_scale_zero_unit_or_lead_is_refused(window, m, part) -> None:
    with pytest.raises(ValidationError, match="signal_and_scale_together"):
        Window.validate(with_value(window, **{f"{m}_{part}": None}))


def test_a_scale_without_a_signal_is_refused(window) -> None:
    with pytest.raises(ValidationError, match="signal_and_scale_together"):
        Window.validate(with_value(window, ppg_scale=0.5))


@pytest.mark.parametrize("scale", [0.0, -0.02])
def test_a_scale_that_is_not_above_zero_is_refused(window, scale) -> None:
    with pytest.raises(ValidationError, match="abp_scale"):
        Window.validate(with_value(window, abp_scale=scale))


def test_what_is_absent_has_no_samples(window) -> None:
    with pytest.raises(ValidationError, match="absent_has_no_signal"):
        Window.validate(with_value(window, ecg_grade="absent"))


@pytest.mark.parametrize("grade", ["good", "fair", "bad"])
def test_what_has_no_samples_is_absent(window, grade) -> None:
    with pytest.raises(ValidationError, match="absent_has_no_signal"):
        Window.validate(with_value(window, ppg_grade=grade))


def test_a_window_with_nothing_is_refused(window) -> None:
    nothing = {f"ecg{part}": None for part in ("", "_scale", "_zero", "_unit", "_lead")}

    with pytest.raises(ValidationError, match="something_is_there"):
        Window.validate(with_value(without_abp(window), **nothing, ecg_grade="absent"))


@pytest.mark.parametrize("pressure", ["sbp", "dbp", "map"])
def test_a_pressure_from_bad_abp_is_refused(window, pressure) -> None:
    none = dict.fromkeys(("sbp", "dbp", "map"))
    bad = with_value(window, abp_grade="bad", **none | {pressure: 100.0})

    with pytest.raises(ValidationError, match="pressure_from_a_fit_line"):
        Window.validate(bad)


def test_a_pressure_without_abp_is_refused(window) -> None:
    with pytest.raises(ValidationError, match="pressure_from_a_fit_line"):
        Window.validate(with_value(without_abp(window), map=93.0))


def test_bad_abp_without_pressures_is_valid(window) -> None:
    assert Window.is_valid(with_value(window, abp_grade="bad", sbp=None, dbp=None, map=None))


@pytest.mark.parametrize("start_s", [0.0, 12.008, 16.0])
def test_a_window_off_the_grid_is_refused(window, start_s) -> None:
    with pytest.raises(ValidationError, match="on_the_grid"):
        Window.validate(with_value(window, start_s=start_s))


def test_the_last_window_that_an_index_can_name_is_on_the_grid(window) -> None:
    last = 2**31 - 1

    assert Window.is_valid(with_value(window, window_index=last, start_s=4.0 * last))


@pytest.mark.parametrize("counts", [[], [1], [1] * 499, [1] * 501])
def test_a_signal_of_other_than_500_counts_is_refused(window, counts) -> None:
    with pytest.raises(ValidationError, match="length"):
        Window.validate(with_value(window, abp=counts))


def test_a_null_among_the_counts_is_refused(window) -> None:
    with pytest.raises(ValidationError, match="inner_nullability"):
        Window.validate(with_value(window, abp=[None] + [1] * 499))


@pytest.mark.parametrize("column", ["abp_scale", "abp_zero", "abp_sqi", "hr_abp", "sbp", "map"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_refused(window, column, value) -> None:
    with pytest.raises(ValidationError, match=column):
        Window.validate(with_value(window, **{column: value}))


@pytest.mark.parametrize(
    ("column", "value"),
    [("abp_missing", 1.1), ("abp_sqi", -0.1), ("abp_grade", "excellent"), ("abp_grade", None)],
)
def test_a_value_out_of_its_range_is_refused(window, column, value) -> None:
    with pytest.raises(ValidationError, match=column):
        Window.validate(with_value(window, **{column: value}))


def test_two_rows_of_one_key_are_refused(window) -> None:
    with pytest.raises(ValidationError, match="primary_key"):
        Window.validate(pl.concat([window, window]))
