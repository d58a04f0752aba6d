"""Where something lies in a window: the longest run of it, all of it, or what surrounds its peak.

Shapes: N rows, T samples at 125 Hz, S = 20 steps of 0.2 s. A span is seconds from the window's
start, NaN where there is none.
"""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.annotation import SPAN_STEPS
from schemas.grid import GRID_FS, WINDOW_S
from schemas.restoration import F32

Mask = NDArray[np.bool_]
Sample = TypeVar("Sample", bound=np.generic)

LOUD: Final = 0.35
"""A burst lasts where it has more than this share of its loudest."""

PEAK_S: Final = 0.1
"""What is shown of a peak, on either side."""

_SMOOTH: Final = np.ones(5) / 5


def longest_run(odd: Mask) -> F32:
    """Give (N, 2) start and end of the first of the longest runs of True in ``odd`` (N, T)."""
    length = run_lengths(odd)
    end = length.argmax(axis=1)
    best = length[np.arange(len(odd)), end]
    return _span(end + 1 - best, end + 1, best > 0)


def run_lengths(odd: Mask) -> NDArray[np.intp]:
    """Count (N, T) the True in a row that end at each sample."""
    count = np.arange(1, odd.shape[1] + 1)
    return count - np.maximum.accumulate(np.where(odd, 0, count), axis=1)


def hull(odd: Mask) -> F32:
    """Give (N, 2) from the first to the last True of ``odd`` (N, T)."""
    end = odd.shape[1] - odd[:, ::-1].argmax(axis=1)
    return _span(odd.argmax(axis=1), end, np.asarray(odd.any(axis=1)))


def around_peak(height: F32) -> F32:
    """Give (N, 2) 0.1 s on either side of where ``height`` (N, T) is largest; NaN where it is 0."""
    at = height.argmax(axis=1) / GRID_FS
    span = np.stack([np.maximum(at - PEAK_S, 0), np.minimum(at + PEAK_S, WINDOW_S)], axis=1)
    return _where(np.asarray(height.any(axis=1)), span)


def burst(power: NDArray[np.floating[Any]]) -> F32:
    """Give (N, 2) where ``power`` (N, S), smoothed over 1 s, is loud for longest."""
    edge = len(_SMOOTH) // 2
    padded = np.pad(power, ((0, 0), (edge, edge)), mode="reflect")
    smooth = sum(weight * padded[:, i : i + power.shape[1]] for i, weight in enumerate(_SMOOTH))
    rms = np.sqrt(np.asarray(smooth))
    steps = rms > LOUD * rms.max(axis=1, keepdims=True)
    return longest_run(np.repeat(steps, round(WINDOW_S * GRID_FS) // SPAN_STEPS, axis=1))


def whole(n: int) -> F32:
    """Give (N, 2) the whole window."""
    return np.tile(np.array([0, WINDOW_S], np.float32), (n, 1))


def by_steps(x: NDArray[Sample]) -> NDArray[Sample]:
    """Lay (..., T) samples out by steps: (..., S, T / S)."""
    return x.reshape(*x.shape[:-1], SPAN_STEPS, x.shape[-1] // SPAN_STEPS)


def _span(start: NDArray[np.intp], end: NDArray[np.intp], there: Mask) -> F32:
    return _where(there, np.stack([start, end], axis=1) / GRID_FS)


def _where(there: Mask, span: NDArray[np.float64]) -> F32:
    return np.where(there[:, None], span, np.nan).astype(np.float32)
