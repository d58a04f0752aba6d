import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.reference.cuff import cuff_readings
from ops.reference.plausible import plausible


def taken(readings: pl.DataFrame) -> list[float]:
    return readings["taken_s"].to_list()


def test_a_reading_is_what_the_cuff_showed_at_one_moment(make_numerics) -> None:
    readings = cuff_readings(make_numerics((60, 120, 70, 88)))

    assert readings.rows() == [("ward", "a", 60.0, 120.0, 70.0, 88.0)]


@pytest.mark.parametrize(
    ("left_out", "because"),
    [
        ((60, None, None, 94), "incomplete"),
        ((60, 120, 70, None), "incomplete"),
        ((60, 0, 0, 0), "implausible"),
        ((60, 70, 120, 88), "inverted"),
        ((60, 320, 70, 150), "implausible"),
        ((60, 147, 10, 60), "implausible"),
        ((60, 80, 70, 75), "no pulse"),
        ((60, 120, 70, 121), "mean beyond systole"),
        ((60, 120, 70, 69), "mean below diastole"),
        ((60, float("nan"), 70, 88), "no number"),
        ((0, 120, 70, 88), "of no age: the first moment of the record"),
    ],
)
def test_what_can_be_no_reading_is_left_out(make_numerics, left_out, because) -> None:
    readings = cuff_readings(make_numerics(left_out, (600, 118, 72, 86)))

    assert taken(readings) == [600.0], because


def test_a_reading_in_another_unit_is_left_out(make_numerics) -> None:
    assert cuff_readings(make_numerics((60, 120, 70, 88), unit="kPa")).is_empty()
    assert taken(cuff_readings(make_numerics((60, 120, 70, 88), unit=" MMHG"))) == [60.0]


def test_a_reading_that_is_shown_again_counts_from_its_first_showing(make_numerics) -> None:
    shown = [(60, 120, 70, 88), (64, 120, 70, 88), (900, 120, 70, 88), (960, 121, 70, 88)]
    readings = cuff_readings(make_numerics(*shown))

    assert taken(readings) == [60.0, 960.0]


def test_what_repeats_a_reading_of_no_age_has_none_either(make_numerics) -> None:
    shown = [(0, 120, 70, 88), (42, 0, 0, 0), (44, 120, 70, 88), (300, 124, 71, 90)]

    assert taken(cuff_readings(make_numerics(*shown))) == [300.0]


def test_a_record_of_many_readings_is_judged_in_little_memory(make_numerics) -> None:
    shown = [(i + 1.0, 110 + i % 7, 60 + i % 5, 80 + i % 3) for i in range(20_000)]

    assert cuff_readings(make_numerics(*shown)).height == 20_000


def test_the_same_values_after_others_are_a_reading_of_their_own(make_numerics) -> None:
    shown = [(60, 120, 70, 88), (360, 125, 75, 92), (660, 120, 70, 88)]

    assert taken(cuff_readings(make_numerics(*shown))) == [60.0, 360.0, 660.0]


def test_a_reading_far_from_all_others_of_its_half_hour_is_left_out(make_numerics) -> None:
    usual = [(300 * i, 90 + i, 50 + i, 65 + i) for i in range(1, 5)]
    leaned_on = (700, 150, 118, 131)

    assert taken(cuff_readings(make_numerics(*usual, leaned_on))) == [300.0, 600.0, 900.0, 1200.0]


def test_a_reading_with_too_few_others_to_judge_it_is_kept(make_numerics) -> None:
    shown = [(300, 90, 50, 65), (600, 150, 118, 131), (5000, 92, 50, 66)]

    assert taken(cuff_readings(make_numerics(*shown))) == [300.0, 600.0, 5000.0]


def test_records_have_no_say_in_each_other(make_numerics) -> None:
    both = pl.concat(
        [make_numerics((60, 120, 70, 88)), make_numerics((70, 120, 70, 88), record_id="b")]
    )

    assert cuff_readings(both).select("record_id", "taken_s").rows() == [("a", 60.0), ("b", 70.0)]


def test_no_numerics_are_no_readings(make_numerics) -> None:
    assert cuff_readings(make_numerics()).is_empty()


VALUE = st.one_of(st.none(), st.floats(-50, 400), st.sampled_from([0.0, 70.0, 120.0, float("inf")]))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 4000), VALUE, VALUE, VALUE), max_size=12, unique_by=lambda c: c[0]
    )
)
def test_whatever_a_cuff_shows_what_is_kept_is_plausible_in_order_and_never_repeated(
    make_numerics, cuffs
) -> None:
    readings = cuff_readings(make_numerics(*cuffs))
    values = readings.select("sbp", "dbp", "map").rows()

    assert readings.filter(~plausible()).is_empty()
    assert taken(readings) == sorted(set(taken(readings)))
    assert all(at > 0 for at in taken(readings))
    assert len(values) <= len(cuffs)
