"""Beats of a window as a clock, and laid over each other."""

import numpy as np
import pytest

from ops.restore.beat_clock import beat_clock, delay_of, merge_beats
from ops.restore.template import fold_onto, median_of_known, template_of, templates_of

T = np.arange(500.0)


def test_the_clock_counts_beats_and_goes_on_at_their_period() -> None:
    clock = beat_clock(np.array([100.0, 200.0, 300.0]), 100.0)

    assert clock is not None
    np.testing.assert_allclose(
        clock.count_at(np.array([0.0, 100.0, 150.0, 300.0, 499.0])), [-1, 0, 0.5, 2, 3.99]
    )


def test_a_beat_that_lies_two_periods_on_is_counted_as_two() -> None:
    clock = beat_clock(np.array([100.0, 300.0]), 100.0)

    assert clock is not None
    assert clock.time_of(np.array([1.0])) == 200.0


@pytest.mark.parametrize("period", [np.nan, 5.0, 1000.0])
def test_no_clock_runs_at_an_impossible_period(period: float) -> None:
    assert beat_clock(np.array([100.0]), period) is None


def test_a_steady_delay_is_measured_and_an_unsteady_one_is_not() -> None:
    leading = np.array([50.0, 150.0, 260.0, 350.0])

    assert delay_of(leading + 20, leading) == 20.0
    assert delay_of(np.array([60.0, 190.0, 240.0, 395.0]), leading) is None


def test_a_guest_beside_an_own_beat_is_the_same_beat() -> None:
    merged = merge_beats(np.array([100.0, 300.0]), np.array([110.0, 200.0, 290.0]), 100.0)

    assert merged.tolist() == [100.0, 200.0, 300.0]


def test_the_median_leaves_out_what_is_missing() -> None:
    values = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [9.0, 7.0, np.nan]])

    np.testing.assert_array_equal(median_of_known(values), [2.0, 6.0, np.nan])


def test_a_periodic_signal_predicts_itself_from_its_other_beats() -> None:
    x = np.sin(2 * np.pi * T / 100)
    clock = beat_clock(np.arange(0.0, 500, 100), 100.0)

    assert clock is not None
    for template in (template_of(x, clock), *templates_of(x, clock)):
        np.testing.assert_allclose(template, x, atol=1e-9)


def test_a_beat_is_read_off_by_phase() -> None:
    clock = beat_clock(np.array([0.0, 100.0, 200.0]), 100.0)

    assert clock is not None
    np.testing.assert_allclose(fold_onto(T % 100, clock, np.array([0.25, 0.5])), [25, 50])
