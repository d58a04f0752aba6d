"""Rhythm from the times of beats alone, as far as 4 s of them can tell it.

A beat is early where its interval is less than 0.8 of the median and a longer one follows; the
rhythm is irregular where intervals vary by more than 15 % beside that. Atrial fibrillation and
flutter are no matter of intervals alone: they are told by references, never from here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.annotation import REGULAR, UNKNOWN, Rhythm
from schemas.grid import GRID_FS

EARLY: Final = 0.8
LATE: Final = 1.05
IRREGULAR: Final = 0.15
STEADY: Final = 0.1
MOST_EARLY: Final = 2
"""More early beats than these in 4 s are no longer single ones."""

PAUSE: Final = 1.5
"""A pause is this many times the median interval, and that many seconds."""

REACH_S: Final = 0.4
"""What is shown of a beat, on either side."""

Span = tuple[float, float]
"""Seconds from the window's start."""


@dataclass(frozen=True)
class Paced:
    """What the beats of one window tell.

    Attributes:
        rhythm: by their intervals.
        early: spans around early beats.
        pause: the span of a long pause.
    """

    rhythm: Rhythm
    early: tuple[Span, ...] = ()
    pause: Span | None = None


def paced(beats: NDArray[np.int16], rate: float) -> Paced:
    """Tell the rhythm of one window's beats (K,), samples padded with -1, at ``rate`` beats/min.

    NaN, or fewer than two beats, is no rhythm.
    """
    at = beats[beats >= 0].astype(np.float64) / GRID_FS
    if at.size < 2 or not np.isfinite(rate):
        return Paced(UNKNOWN)
    intervals = np.diff(at)
    usual = float(np.median(intervals))
    early = _early(intervals, usual)
    longest = int(intervals.argmax())
    pause = None
    if intervals[longest] > max(PAUSE, PAUSE * usual):
        pause = (float(at[longest]), float(at[longest + 1]))
    spans = tuple((float(at[i + 1]) - REACH_S, float(at[i + 1]) + REACH_S) for i in early)
    rhythm = _rhythm(intervals, usual, early, rate)
    return Paced(rhythm, spans if rhythm == "ectopy" else (), pause)


def by_rate(rate: float) -> Rhythm:
    """Name a regular rhythm by its rate, rounded to whole beats/min."""
    low, high = REGULAR
    beats_a_minute = round(rate)
    if beats_a_minute < low:
        return "bradycardia"
    return "tachycardia" if beats_a_minute > high else "regular"


def _early(intervals: NDArray[np.float64], usual: float) -> list[int]:
    last = len(intervals) - 1
    return [
        i
        for i, interval in enumerate(intervals)
        if interval < EARLY * usual and (i == last or intervals[i + 1] > LATE * usual)
    ]


def _rhythm(intervals: NDArray[np.float64], usual: float, early: list[int], rate: float) -> Rhythm:
    around = {j for i in early for j in (i, i + 1)}
    rest = np.delete(intervals, [j for j in around if j < len(intervals)])
    steady = rest.size == 0 or float(np.abs(rest / np.median(rest) - 1).max()) < 2 * STEADY
    if early and len(early) <= MOST_EARLY and intervals.size > 2 and steady:
        return "ectopy"
    varies = float(intervals.std() / usual) > IRREGULAR
    return "irregular" if varies else by_rate(rate)
