"""Gaps of a window and the curve across them.

Shapes: B windows, T samples each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gaps:
    """Where each sample of a window lies towards what was measured, in samples.

    Attributes:
        left: (B, T) the last observed index at or before each sample, -1 where there is none.
        right: (B, T) the first observed index at or after each sample, T where there is none.
        length: (B, T) length of the gap that a sample lies in, 0 where it is observed.
        distance: (B, T) samples to the nearest observed one; T where nothing is observed.
    """

    left: Int
    right: Int
    length: Int
    distance: Int


def find_gaps(mask: Mask) -> Gaps:
    """Find the gaps of ``mask`` (B, T), which is True where a sample was observed."""
    t = np.arange(mask.shape[1])
    left = np.maximum.accumulate(np.where(mask, t, -1), axis=1)
    backwards = np.where(mask, t, t.size)[:, ::-1]
    right = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    to_left = np.where(left < 0, t.size, t - left)
    to_right = np.where(right == t.size, t.size, right - t)
    length = np.where(mask, 0, right - left - 1)
    return Gaps(left, right, length, np.minimum(to_left, to_right))


def interpolate(x: F64, gaps: Gaps, slope_reach: float = 0.0) -> F64:
    """Draw a curve across the gaps of ``x`` (B, T); observed samples stay as they are.

    A cubic through both edges with the slope of the two samples beside each, drawn to that of the
    chord over gaps longer than ``slope_reach`` samples (0: a straight line), so that a ramp stays a
    ramp. A gap at the window's end holds its one edge; a window with nothing observed stays NaN.
    """
    n = x.shape[1]
    left, right = np.clip(gaps.left, 0, n - 1), np.clip(gaps.right, 0, n - 1)
    left, right = np.where(gaps.left < 0, right, left), np.where(gaps.right == n, left, right)
    span = np.maximum(right - left, 1)
    at_left, at_right = _take(x, left), _take(x, right)
    chord = (at_right - at_left) / span
    slope_left = _edge_slope(at_left - _take(x, np.maximum(left - 1, 0)), chord, span, slope_reach)
    slope_right = _edge_slope(
        _take(x, np.minimum(right + 1, n - 1)) - at_right, chord, span, slope_reach
    )
    s = (np.arange(n) - left) / span
    curve = (
        at_left
        + chord * span * s
        + s * (1 - s) * span * ((1 - s) * (slope_left - chord) - s * (slope_right - chord))
    )
    return np.where(gaps.length == 0, x, np.where(left == right, at_left, curve))


def _edge_slope(slope: F64, chord: F64, span: Int, reach: float) -> F64:
    known = np.where(np.isfinite(slope), slope, chord)
    return chord + (known - chord) * np.minimum(1.0, reach / span)


def _take(x: F64, index: Int) -> F64:
    return np.take_along_axis(x, index, axis=1)
