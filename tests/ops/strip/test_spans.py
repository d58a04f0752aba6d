"""Spans lie where something is, in seconds from the window's start."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.strip.spans import around_peak, burst, by_steps, hull, longest_run, run_lengths


def mask(*stretches: tuple[int, int]) -> np.ndarray:
    odd = np.zeros((1, 500), np.bool_)
    for begin, end in stretches:
        odd[0, begin:end] = True
    return odd


def test_the_first_of_the_longest_runs_is_told() -> None:
    span = longest_run(mask((25, 50), (100, 150), (300, 350)))

    np.testing.assert_allclose(span, [[0.8, 1.2]])


def test_a_hull_reaches_from_the_first_to_the_last() -> None:
    np.testing.assert_allclose(hull(mask((25, 26), (374, 375))), [[0.2, 3.0]], rtol=1e-6)


def test_nothing_has_no_span() -> None:
    nothing = mask()

    assert np.isnan(longest_run(nothing)).all()
    assert np.isnan(hull(nothing)).all()
    assert np.isnan(around_peak(nothing.astype(np.float32))).all()


def test_a_peak_is_shown_with_what_surrounds_it_within_the_window() -> None:
    height = np.zeros((2, 500), np.float32)
    height[0, 250], height[1, 2] = 3, 1

    np.testing.assert_allclose(around_peak(height), [[1.9, 2.1], [0, 0.116]], rtol=1e-6)


def test_a_burst_is_where_power_is_and_steady_power_is_the_whole() -> None:
    power = np.zeros((2, 20))
    power[0, 8:13] = 1
    power[1] = 1

    span = burst(power)

    assert span[0] == pytest.approx([1.4, 2.8], abs=0.21)
    np.testing.assert_allclose(span[1], [0, 4])


def test_steps_are_a_fifth_of_a_second() -> None:
    assert by_steps(np.zeros((2, 3, 500))).shape == (2, 3, 20, 25)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_runs_are_counted_up_to_each_sample(row: list[bool]) -> None:
    lengths = run_lengths(np.array([row]))[0]

    count = 0
    for said, here in zip(lengths, row, strict=True):
        count = count + 1 if here else 0
        assert said == count
