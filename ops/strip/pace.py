"""How fast the beats of windows come, and how steadily, by the intervals that were seen whole.

Shapes: N windows, K beats, S = 20 steps of 0.2 s.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.grade.templates import masked_median
from schemas.annotation import RATES, SPAN_STEP_S, SPAN_STEPS
from schemas.grid import GRID_FS
from schemas.restoration import F32

FEW: Final = 0.5
"""Variation of fewer than two intervals, which can't vary."""

_STEP: Final = round(SPAN_STEP_S * GRID_FS)


@dataclass(frozen=True)
class Pace:
    """Of N windows.

    Attributes:
        rate: (N,) beats/min from the median interval; NaN where none was seen whole.
        variation: (N,) from 0 to less than 1: of intervals that vary as much as they last, 1/2.
    """

    rate: F32
    variation: NDArray[np.float64]


def pace(beats: NDArray[np.int16], legible: NDArray[np.bool_]) -> Pace:
    """Tell the pace of beats (N, K), samples padded with -1, by what was ``legible`` (N, S)."""
    gaps = np.diff(beats.astype(np.float32), axis=1)
    whole = (beats[:, 1:] >= 0) & watched(beats, legible)
    median = masked_median(gaps, whole)
    with np.errstate(divide="ignore"):
        rate = np.float32(60 * GRID_FS) / median
    told = (rate >= RATES[0]) & (rate <= RATES[1])
    count = np.maximum(whole.sum(axis=1), 1)
    mean = np.where(whole, gaps, 0).sum(axis=1) / count
    square = np.where(whole, (gaps - mean[:, None]) ** 2, 0).sum(axis=1) / count
    varies = np.sqrt(square) / np.maximum(mean, 1)
    return Pace(
        np.where(told, rate, np.nan).astype(np.float32),
        np.where(count < 2, FEW, varies / (1 + varies)),
    )


def watched(beats: NDArray[np.int16], legible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say (N, K - 1) of each two beats that follow each other whether all between was legible."""
    step = np.clip(beats // _STEP, 0, SPAN_STEPS - 1).astype(np.intp)
    unseen = np.pad(np.cumsum(~legible, axis=1), ((0, 0), (1, 0)))
    begin = np.take_along_axis(unseen, step[:, :-1], axis=1)
    end = np.take_along_axis(unseen, step[:, 1:] + 1, axis=1)
    return np.asarray(begin == end)
