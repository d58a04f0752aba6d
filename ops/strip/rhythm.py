"""Rhythm from the times of beats alone, as far as 4 s of them can tell it.

A beat is early where its interval is less than 0.8 of the usual and a longer one follows; one or
two such beats among intervals that are alike, or short and long ones by turns, are ectopy. Three
intervals or more are irregular where they vary beyond that. With fewer, only a steady rate can be
told. Atrial fibrillation and flutter are no matter of intervals alone: they are told by
references, never from here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.annotation import REGULAR, SPAN_STEP_S, SPAN_STEPS, UNKNOWN, Rhythm
from schemas.grid import GRID_FS, WINDOW_S

EARLY: Final = 0.8
LATE: Final = 1.05
"""An early beat's interval and the next one's, in usual ones, at most and at least."""

IRREGULAR: Final = 0.1
"""Standard deviation of the intervals over the usual one. In MIT-BIH sinus rhythm stays below it in
98 of 100 windows (record 222), atrial fibrillation in 3 to 30 (203, 201, 219)."""

ALIKE: Final = 0.15
"""Steady intervals lie within this share of their median."""

MOST_EARLY: Final = 2
"""More early beats than these in 4 s are no longer single ones, unless they come by turns."""

PAUSE: Final = 1.5
"""A pause is this many times the usual interval, and that many seconds."""

REACH_S: Final = 0.4
"""What is shown of a beat, on either side."""

Span = tuple[float, float]
"""Seconds from the window's start."""

Intervals = NDArray[np.float64]


@dataclass(frozen=True)
class Paced:
    """What the beats of one window tell.

    Attributes:
        rhythm: by their intervals.
        told: whether any interval was watched from beat to beat, so that there is a rate.
        early: spans around early beats, of ectopy alone.
        pause: the span of a long pause.
    """

    rhythm: Rhythm
    told: bool = False
    early: tuple[Span, ...] = ()
    pause: Span | None = None


def paced(beats: NDArray[np.int16], rate: float, legible: NDArray[np.bool_] | None = None) -> Paced:
    """Tell the rhythm of one window's beats (K,), samples padded with -1, at ``rate`` beats/min.

    ``legible`` (20,) says in which steps of 0.2 s a beat would have been seen: others tell nothing,
    nor does an interval across them. NaN, or no whole interval, is no rhythm.
    """
    seen = np.ones(SPAN_STEPS, np.bool_) if legible is None else legible
    at = beats[beats >= 0].astype(np.float64) / GRID_FS
    at = at[seen[_steps(at)]]
    whole = _watched(at[:-1], at[1:], seen)
    intervals = np.diff(at)
    if not whole.any() or not np.isfinite(rate):
        return Paced(UNKNOWN, bool(whole.any()))
    pause = _pause(at, intervals[whole], seen)
    # What was not watched parts the beats: of each run the longest tells the rhythm.
    first, last = _longest(whole)
    run, starts = intervals[first:last], at[first : last + 1]
    early = _early(run)
    rhythm = _rhythm(run, early, rate, pause is not None)
    spans = tuple((float(starts[i + 1]) - REACH_S, float(starts[i + 1]) + REACH_S) for i in early)
    return Paced(rhythm, True, spans if rhythm == "ectopy" else (), pause)


def by_rate(rate: float) -> Rhythm:
    """Name a regular rhythm by its rate, rounded to whole beats/min."""
    low, high = REGULAR
    beats_a_minute = round(rate)
    if beats_a_minute < low:
        return "bradycardia"
    return "tachycardia" if beats_a_minute > high else "regular"


def _steps(at: Intervals) -> NDArray[np.intp]:
    return np.clip((at / SPAN_STEP_S).astype(np.intp), 0, SPAN_STEPS - 1)


def _watched(begin: Intervals, end: Intervals, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say of each time between two others whether every step of it was seen."""
    unseen = np.concatenate([[0], np.cumsum(~seen)])
    return np.asarray(unseen[_steps(end) + 1] == unseen[_steps(begin)])


def _longest(whole: NDArray[np.bool_]) -> tuple[int, int]:
    """Give where the longest run of True begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], whole.astype(np.int8), [0]])))
    begins, ends = edges[::2], edges[1::2]
    best = int((ends - begins).argmax())
    return int(begins[best]), int(ends[best])


def _pause(at: Intervals, intervals: Intervals, seen: NDArray[np.bool_]) -> Span | None:
    """Give the longest time without a beat where it is a pause; the window's ends may bound it."""
    ends = np.concatenate([[0.0], at, [WINDOW_S]])
    lengths = np.where(_watched(ends[:-1], ends[1:], seen), np.diff(ends), 0.0)
    # A pause is no usual interval: where two are known, the shorter is.
    usual = float(np.sort(intervals)[(intervals.size - 1) // 2])
    longest = int(lengths.argmax())
    if lengths[longest] <= max(PAUSE, PAUSE * usual):
        return None
    return float(ends[longest]), float(ends[longest + 1])


def _early(run: Intervals) -> list[int]:
    """Number the intervals that end in an early beat."""
    if run.size < 3:
        return []
    by_turns = _by_turns(run)
    if by_turns:
        return by_turns
    usual = float(np.median(run))
    last = run.size - 1
    return [
        i
        for i, interval in enumerate(run)
        if interval < EARLY * usual and (i == last or run[i + 1] > LATE * usual)
    ]


def _by_turns(run: Intervals) -> list[int]:
    """Number the short intervals of a bigeminy: short and long by turns, twice at least."""
    if run.size < 4:
        return []
    short, long = sorted((run[::2], run[1::2]), key=lambda x: float(x.mean()))
    if not (_alike(short) and _alike(long) and short.mean() < EARLY * long.mean()):
        return []
    return list(range(int(run[0] > run[1]), run.size, 2))


def _alike(run: Intervals) -> bool:
    return run.size == 0 or bool(np.ptp(run) < ALIKE * np.median(run))


def _rhythm(run: Intervals, early: list[int], rate: float, paused: bool) -> Rhythm:
    if run.size < 3:
        return by_rate(rate) if _alike(run) and _told_by_few(run, rate, paused) else UNKNOWN
    around = {j for i in early for j in (i, i + 1)}
    rest = np.delete(run, [j for j in around if j < run.size])
    singly = len(early) <= MOST_EARLY and rest.size > 0 and _alike(rest)
    if early and (singly or bool(_by_turns(run))):
        return "ectopy"
    return "irregular" if float(run.std() / np.median(run)) > IRREGULAR else by_rate(rate)


def _told_by_few(run: Intervals, rate: float, paused: bool) -> bool:
    """Say whether one or two intervals are all that 4 s would hold of a steady rhythm."""
    return not paused and (run.size == 2 or by_rate(rate) == "bradycardia")
