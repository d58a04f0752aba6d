"""Beats tell a rhythm as far as 4 s of them can; what they can't tell is unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.beats import MAX_BEATS
from ops.strip.rhythm import Paced, by_rate, paced
from schemas.annotation import RHYTHMS, SPAN_STEPS, Rhythm, rate_fits


def told(*at_s: float, hidden: tuple[int, ...] = ()) -> Paced:
    """Tell the rhythm of beats at some seconds, at the rate of their median interval."""
    beats = np.full(MAX_BEATS, -1, np.int16)
    beats[: len(at_s)] = np.round(125 * np.array(at_s))
    rate = 60 / float(np.median(np.diff(at_s))) if len(at_s) > 1 else float("nan")
    legible = np.ones(SPAN_STEPS, np.bool_)
    legible[list(hidden)] = False
    return paced(beats, rate, legible)


@pytest.mark.parametrize(
    ("at_s", "rhythm"),
    [
        ((0.1, 0.9, 1.7, 2.5, 3.3), "regular"),
        ((0.2, 0.7, 1.2, 1.7, 2.2, 2.7, 3.2, 3.7), "tachycardia"),
        ((0.1, 1.3, 2.5, 3.7), "bradycardia"),
        ((0.3, 1.6, 2.95), "bradycardia"),
        ((0.9, 2.4), "bradycardia"),
    ],
)
def test_a_steady_rhythm_is_named_by_its_rate(at_s: tuple[float, ...], rhythm: Rhythm) -> None:
    assert told(*at_s) == Paced(rhythm, told=True)


@pytest.mark.parametrize(
    ("rate", "rhythm"),
    [(59.4, "bradycardia"), (59.6, "regular"), (100.4, "regular"), (100.6, "tachycardia")],
)
def test_a_rate_is_rounded_before_it_names_a_rhythm(rate: float, rhythm: str) -> None:
    assert by_rate(rate) == rhythm


def test_an_early_beat_before_a_longer_interval_is_ectopy_and_is_shown() -> None:
    strip = told(0.2, 1.0, 1.8, 2.3, 3.4)

    assert strip.rhythm == "ectopy"
    assert len(strip.early) == 1
    assert strip.early[0] == pytest.approx((1.9, 2.7), abs=0.01)


@pytest.mark.parametrize(
    "at_s",
    [(0.2, 0.7, 1.8, 2.3, 3.4, 3.9), (0.1, 1.2, 1.7, 2.8, 3.3), (0.2, 0.7, 1.8, 2.3, 3.4)],
    ids=["short first", "long first", "an even number of intervals"],
)
def test_short_and_long_intervals_by_turns_are_ectopy_wherever_they_begin(
    at_s: tuple[float, ...],
) -> None:
    assert told(*at_s).rhythm == "ectopy"


def test_an_early_beat_in_every_third_is_ectopy() -> None:
    strip = told(0.1, 0.8, 1.2, 2.2, 2.9, 3.3)

    assert strip.rhythm == "ectopy"
    assert len(strip.early) == 2


def test_intervals_that_vary_without_an_order_are_irregular() -> None:
    strip = told(0.1, 0.65, 1.5, 2.1, 2.5, 3.5)

    assert strip.rhythm == "irregular"
    assert strip.early == ()


def test_breathing_does_not_make_a_rhythm_irregular() -> None:
    assert told(0.2, 1.0, 1.86, 2.68, 3.44).rhythm == "regular"


def test_two_intervals_that_differ_are_no_rhythm() -> None:
    assert told(0.5, 1.2, 2.6) == Paced("unknown", told=True)


@pytest.mark.parametrize("at_s", [(), (2.0,)])
def test_fewer_than_two_beats_are_no_rhythm_and_no_rate(at_s: tuple[float, ...]) -> None:
    assert told(*at_s) == Paced("unknown")


def test_one_short_interval_in_four_seconds_is_no_regular_rhythm() -> None:
    strip = told(0.3, 1.1)

    assert strip.rhythm == "unknown"
    assert strip.pause == pytest.approx((1.104, 4.0), abs=0.01)


def test_a_pause_is_shown_from_beat_to_beat() -> None:
    strip = told(0.1, 0.9, 2.7, 3.5)

    assert strip.pause == pytest.approx((0.9, 2.7), abs=0.01)
    assert strip.rhythm == "irregular"


def test_an_interval_that_is_slow_throughout_is_no_pause() -> None:
    assert told(0.1, 1.7, 3.3).pause is None


def test_what_can_not_be_seen_is_no_pause() -> None:
    strip = told(0.1, 0.9, 2.5, 3.3, hidden=(7, 8))

    assert strip.pause is None
    assert strip.rhythm == "unknown"


def test_beats_that_can_not_be_seen_tell_nothing() -> None:
    seen = told(0.1, 0.9, 1.3, 2.5, 3.3, hidden=(6,))

    assert seen.early == ()
    assert seen.rhythm == "unknown"


def test_the_longest_stretch_that_was_watched_tells_the_rhythm() -> None:
    assert told(0.1, 0.6, 1.1, 1.6, 2.1, 2.6, 3.4, hidden=(14, 15)).rhythm == "tachycardia"


def test_nothing_seen_is_no_rhythm_and_no_rate() -> None:
    assert told(0.1, 0.9, 1.7, 2.5, 3.3, hidden=tuple(range(SPAN_STEPS))) == Paced("unknown")


@settings(max_examples=200)
@given(
    at=st.lists(st.integers(0, 499), unique=True, max_size=MAX_BEATS),
    rate=st.floats(allow_nan=True, allow_infinity=True) | st.floats(20, 300),
    legible=st.lists(st.booleans(), min_size=SPAN_STEPS, max_size=SPAN_STEPS),
)
def test_any_beats_tell_a_rhythm_that_can_have_their_rate(
    at: list[int], rate: float, legible: list[bool]
) -> None:
    beats = np.full(MAX_BEATS, -1, np.int16)
    beats[: len(at)] = sorted(at)

    strip = paced(beats, rate, np.array(legible))

    assert strip.rhythm in RHYTHMS
    assert strip.rhythm == "unknown" or rate_fits(strip.rhythm, round(rate))
    assert all(begin < end for begin, end in strip.early)
    assert strip.pause is None or strip.pause[1] - strip.pause[0] > 1.5
