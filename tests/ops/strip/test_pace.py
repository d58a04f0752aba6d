"""A pace is told by intervals that were seen whole."""

import numpy as np
import pytest

from ops.strip.pace import FEW, Pace, pace
from schemas.annotation import SPAN_STEPS


def of(*at: int, hidden: tuple[int, ...] = ()) -> Pace:
    beats = np.full((1, 20), -1, np.int16)
    beats[0, : len(at)] = at
    legible = np.ones((1, SPAN_STEPS), np.bool_)
    legible[0, list(hidden)] = False
    return pace(beats, legible)


def test_beats_at_one_distance_do_not_vary() -> None:
    told = of(25, 125, 225, 325)

    assert told.rate.item() == pytest.approx(75)
    assert told.variation.item() == 0


def test_an_interval_across_what_can_not_be_seen_is_none() -> None:
    told = of(10, 110, 410, 499, hidden=(8,))

    assert told.rate.item() == pytest.approx(60 * 125 / 94.5)


@pytest.mark.parametrize("at", [(), (250,)])
def test_fewer_than_two_beats_have_no_pace(at: tuple[int, ...]) -> None:
    told = of(*at)

    assert np.isnan(told.rate).all()
    assert told.variation.item() == FEW


def test_a_rate_beyond_what_is_told_is_none() -> None:
    assert np.isnan(of(100, 110, 120).rate).all()
