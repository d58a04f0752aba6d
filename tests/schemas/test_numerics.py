import math

import polars as pl
import pytest
from dataframely.exc import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.numerics import _QUANTITIES, Numeric, quantity_of


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("HR", "heart_rate"),
        ("Heart Rate", "heart_rate"),
        ("PULSE", "pulse_rate"),
        ("Pulse (SpO2)", "pulse_rate"),
        ("SpO2", "spo2"),
        ("%SpO2", "spo2"),
        ("RESP", "respiration_rate"),
        ("RR", "respiration_rate"),
        ("NBPSys", "nbp_systolic"),
        ("NBPs", "nbp_systolic"),
        ("NBP Dias", "nbp_diastolic"),
        ("NBP_Mean", "nbp_mean"),
        ("NBPm", "nbp_mean"),
        ("ABPSys", "abp_systolic"),
        ("ABP Dias", "abp_diastolic"),
        ("ARTMean", "abp_mean"),
        ("  abp   sys ", "abp_systolic"),
    ],
)
def test_a_numeric_of_a_known_name_has_a_quantity(name, quantity) -> None:
    assert quantity_of(name) == quantity


@pytest.mark.parametrize(
    "name",
    ["", "NBP", "ABP", "CVP", "PAPSys", "PAPMean", "ST II", "PVC", "btbHR", "HRV", "Pulse (NBP)"],
)
def test_a_numeric_of_any_other_name_has_none(name) -> None:
    assert quantity_of(name) is None


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_any_name_has_a_quantity_of_the_list_or_none(name) -> None:
    assert quantity_of(name) in {None, *(quantity for _, quantity in _QUANTITIES)}


def test_a_numeric_is_valid(numeric) -> None:
    assert Numeric.is_valid(numeric)


def test_a_zero_that_stands_for_nothing_is_null(numeric) -> None:
    assert Numeric.is_valid(numeric.with_columns(value=pl.lit(None, pl.Float64)))


def test_a_name_that_is_not_known_has_no_quantity_and_is_valid(numeric) -> None:
    unknown = numeric.with_columns(name=pl.lit("PVC"), quantity=pl.lit(None, pl.String))

    assert Numeric.is_valid(unknown)


def test_a_numeric_from_before_the_record_is_valid(numeric) -> None:
    assert Numeric.is_valid(numeric.with_columns(start_s=-30.0))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("column", ["value", "start_s"])
def test_a_value_that_is_no_number_is_refused(numeric, column, value) -> None:
    with pytest.raises(ValidationError, match=column):
        Numeric.validate(numeric.with_columns(pl.lit(value).alias(column)))


def test_two_values_of_one_name_at_one_time_are_refused(numeric) -> None:
    other = numeric.with_columns(value=80.0)

    with pytest.raises(ValidationError, match="primary_key"):
        Numeric.validate(pl.concat([numeric, other]))
