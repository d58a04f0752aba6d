"""When a window's beats fall: its own, or those of another modality after a steady delay.

Shapes: T samples a window. Beat times are in samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock, beat_clock, beat_period, delay_of, merge_beats
from ops.restore.fiducials import CLEARANCE
from schemas.grid import GRID_FS
from schemas.modality import Modality

F64 = NDArray[np.float64]
Int = NDArray[np.int64]

NO_BEATS: Final = 0
OWN_BEATS: Final = 1
GUEST_BEATS: Final = 2
N_SOURCES: Final = 3
"""Where the beats came from, as a class of residuals."""

_IRREGULAR: Final = 0.15
"""Beats whose intervals scatter more than this around the median have no one template."""

_SAME_BEAT: Final = 8.0
"""64 ms: an own beat this near to a guest's is the same beat."""


def unbroken_period(beats: F64) -> float:
    """Give the median interval of beats between which nothing is missing."""
    return beat_period(beats, np.ones(max(beats.size - 1, 0), dtype=np.bool_))


def clock_across_gaps(
    own: F64, guests: dict[Modality, F64], over: dict[Modality, int], gap_length: Int, hr: float
) -> tuple[BeatClock | None, int]:
    """Time the beats of a window with gaps, of ``gap_length`` (T,) a sample, 0 where observed.

    Its ``own`` measured beats come first. Into gaps longer than ``over`` says of a modality go the
    beats of the first of ``guests`` in that order with a steady delay; elsewhere beats at the
    window's own period, or at ``hr`` (beats/min).
    """
    missing = np.cumsum(gap_length > 0)
    period = beat_period(own, np.diff(missing[own.astype(np.int64)]) == 0)
    source = OWN_BEATS
    for modality, least in over.items():
        times = guests.get(modality, own[:0])
        period = period if np.isfinite(period) else unbroken_period(times)
        delay = delay_of(own, times)
        if delay is not None and np.isfinite(period):
            shifted = times + delay
            told = shifted[_lie_in(shifted, gap_length > least)]
            own, source = merge_beats(own, told, period), GUEST_BEATS if told.size else source
            break
    if not np.isfinite(period) and hr > 0:
        period = 60.0 * GRID_FS / hr
    clock = beat_clock(own, period)
    return clock, NO_BEATS if clock is None else source


def _lie_in(times: F64, gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say of each time whether it lies in or beside a gap, or outside the window."""
    index = np.round(times).astype(np.int64)
    inside = (index >= 0) & (index < gap.size)
    around = np.clip(index[:, None] + np.arange(-CLEARANCE, CLEARANCE + 1), 0, gap.size - 1)
    return np.asarray(~inside | gap[around].any(axis=1))


def regular_clock(
    own: F64, guests: dict[Modality, F64], order: tuple[Modality, ...], *, keeps_own: bool
) -> tuple[BeatClock | None, int]:
    """Time the beats of a noisy window by the first regular of the ``guests``, else its ``own``.

    With ``keeps_own``, own beats that a guest's confirms stay where they are.
    """
    for modality in order:
        times = guests.get(modality, own[:0])
        if _is_regular(times):
            confirmed = _confirmed(own, times) if keeps_own else times
            return beat_clock(confirmed, unbroken_period(times)), GUEST_BEATS
    if _is_regular(own):
        return beat_clock(own, unbroken_period(own)), OWN_BEATS
    return None, NO_BEATS


def _is_regular(beats: F64) -> bool:
    if beats.size < 3:
        return False
    intervals = np.diff(beats)
    period = np.median(intervals)
    return bool(np.median(np.abs(intervals - period)) <= _IRREGULAR * period)


def _confirmed(own: F64, guests: F64) -> F64:
    delay = delay_of(own, guests)
    if delay is None:
        return guests
    shifted = guests + delay
    near = np.abs(own[:, None] - shifted[None, :]).min(axis=1) <= _SAME_BEAT
    return merge_beats(own[near], shifted, unbroken_period(guests))
