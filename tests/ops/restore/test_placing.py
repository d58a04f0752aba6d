"""Whose beats a window is timed by."""

import numpy as np

from ops.restore.placing import (
    GUEST_BEATS,
    NO_BEATS,
    OWN_BEATS,
    clock_across_gaps,
    regular_clock,
)
from schemas.modality import Modality

NONE = np.zeros(0)


def gap(first: int, last: int) -> np.ndarray:
    """Lengths (T,) of one gap."""
    length = np.zeros(500, dtype=np.int64)
    length[first:last] = last - first
    return length


def test_beats_across_a_gap_keep_the_period_of_those_beside_it() -> None:
    own = np.array([50.0, 150.0, 350.0, 450.0])

    clock, source = clock_across_gaps(own, {}, {"ecg": 0}, gap(160, 340), float("nan"))

    assert clock is not None
    assert (float(clock.time_of(np.array([2.0]))[0]), source) == (250.0, OWN_BEATS)


def test_a_guests_beat_in_the_gap_comes_after_the_delay_seen_beside_it() -> None:
    own = np.array([50.0, 150.0, 350.0, 450.0])
    guests: dict[Modality, np.ndarray] = {"ecg": np.array([30.0, 130.0, 220.0, 330.0, 430.0])}

    clock, source = clock_across_gaps(own, guests, {"ecg": 0}, gap(160, 340), float("nan"))

    assert clock is not None
    assert (float(clock.time_of(np.array([2.0]))[0]), source) == (240.0, GUEST_BEATS)


def test_a_guest_is_not_followed_into_a_gap_that_is_short_for_it() -> None:
    own = np.array([50.0, 150.0, 350.0, 450.0])
    guests: dict[Modality, np.ndarray] = {"ecg": np.array([30.0, 130.0, 220.0, 330.0, 430.0])}

    clock, source = clock_across_gaps(own, guests, {"ecg": 200}, gap(160, 340), float("nan"))

    assert clock is not None
    assert (float(clock.time_of(np.array([2.0]))[0]), source) == (250.0, OWN_BEATS)


def test_one_beat_goes_on_at_the_heart_rate() -> None:
    clock, _ = clock_across_gaps(np.array([50.0]), {}, {}, gap(100, 500), 60.0)

    assert clock is not None
    assert clock.time_of(np.array([1.0])) == 175.0


def test_no_beat_is_no_clock() -> None:
    assert clock_across_gaps(NONE, {}, {}, gap(0, 500), 60.0) == (None, NO_BEATS)
    assert regular_clock(NONE, {}, ("ecg",), keeps_own=True) == (None, NO_BEATS)


def test_irregular_beats_have_no_template() -> None:
    irregular = np.array([0.0, 60.0, 200.0, 240.0, 380.0, 420.0])

    assert regular_clock(irregular, {}, (), keeps_own=True) == (None, NO_BEATS)


def test_a_confirmed_own_beat_stays_and_a_missed_one_is_put_in() -> None:
    own = np.array([23.0, 118.0, 320.0, 420.0])
    guests: dict[Modality, np.ndarray] = {"abp": np.array([0.0, 100.0, 200.0, 300.0, 400.0])}

    clock, source = regular_clock(own, guests, ("abp",), keeps_own=True)

    assert clock is not None
    assert source == GUEST_BEATS
    np.testing.assert_allclose(clock.time_of(np.arange(5.0)), [23, 118, 220, 320, 420])
