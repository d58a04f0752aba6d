"""Gaps: a curve where they are short, the neighbouring beats where they are long.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock
from ops.restore.estimate import MEASURED, N_ACTIVITY, Estimate, activity, robust_range
from ops.restore.gaps import Gaps, find_gaps, interpolate
from ops.restore.placing import N_SOURCES, NO_BEATS, clock_across_gaps
from ops.restore.tables import ImputeRule
from ops.restore.template import template_of
from schemas.modality import Modality

F64 = NDArray[np.float64]

_LEVEL_SAMPLES: Final = 25
"""200 ms beside a gap say how far the template lies off there."""

_EDGE_DECAY: Final = 3.0
"""Samples over which the step at an edge is taken out."""

_LENGTH_EDGES: Final = (5, 13, 32, 80, 200)
_DISTANCE_EDGES: Final = (2, 3, 5, 9, 17, 33)
_SHARE_EDGES: Final = (0.03, 0.1, 0.2, 0.35, 0.5)
CELLS: Final = (N_SOURCES, len(_LENGTH_EDGES) + 1, len(_DISTANCE_EDGES) + 1, N_ACTIVITY)
"""Classes: drawn or from whose beats, the gap's length, the distance from its edge, activity."""

WINDOW_CELLS: Final = (N_SOURCES, len(_SHARE_EDGES) + 1)
"""Classes of a window: drawn or from whose beats, and its missing share."""


def impute(
    x: F64, own: list[F64], guests: list[dict[Modality, F64]], hr: F64, rule: ImputeRule
) -> Estimate:
    """Fill the gaps of ``x`` (B, T); measured samples stay as they are.

    ``own`` and ``guests`` are the beat times a window, of the target and of each condition. A
    window with nothing measured comes back as NaN.
    """
    mask = np.isfinite(x)
    gaps = find_gaps(mask)
    long = gaps.length > rule.short_samples
    mean = interpolate(x, gaps, rule.slope_reach)
    source = np.full(len(x), NO_BEATS)
    for i in np.flatnonzero(long.any(axis=1) & mask.any(axis=1)):
        clock, source[i] = clock_across_gaps(
            own[i], guests[i], rule.guests, gaps.length[i], float(hr[i])
        )
        if clock is not None:
            mean[i] = fill_with_beats(x[i], mean[i], gaps, int(i), clock, rule.short_samples)
    scale = robust_range(x)
    cell = _cells(mean, scale, gaps, np.where(long, source[:, None], NO_BEATS))
    share = np.digitize(1 - mask.mean(axis=1), _SHARE_EDGES)
    window_cell = np.ravel_multi_index((source, share), WINDOW_CELLS)
    return Estimate(mean, scale, cell, window_cell)


def _cells(mean: F64, scale: F64, gaps: Gaps, source: NDArray[np.int64]) -> NDArray[np.int64]:
    length = np.digitize(gaps.length, _LENGTH_EDGES)
    distance = np.digitize(gaps.distance, _DISTANCE_EDGES)
    cell = np.ravel_multi_index((source, length, distance, activity(mean, scale)), CELLS)
    return np.where(gaps.length == 0, MEASURED, cell)


def fill_with_beats(x: F64, filled: F64, gaps: Gaps, row: int, clock: BeatClock, over: int) -> F64:
    """Fill the gaps of ``x`` (T,) longer than ``over`` samples with the window's other beats.

    The template is shifted to the level beside the gap and led into its edges without a step;
    phases that no beat shows are drawn as a line. ``filled`` has what stands elsewhere.
    """
    template = template_of(x, clock, with_own=False)
    error = x - template
    restored = filled.copy()
    long = gaps.length[row] > over
    edges = np.stack([gaps.left[row][long], gaps.right[row][long]], axis=1)
    for left, right in np.unique(edges, axis=0).tolist():
        gap = slice(left + 1, right)
        restored[gap] = template[gap] + _correction(error, left, right)
    return _bridge(restored, filled)


def _correction(error: F64, left: int, right: int) -> F64:
    """Give what to add to the template between ``left`` and ``right``, both observed or outside."""
    n = error.size
    gap = np.arange(left + 1, right)
    levels = [
        _level(error[max(left - _LEVEL_SAMPLES + 1, 0) : left + 1]) if left >= 0 else np.nan,
        _level(error[right : right + _LEVEL_SAMPLES]) if right < n else np.nan,
    ]
    if not np.isfinite(levels).any():
        return np.zeros(gap.size)
    low, high = (level if np.isfinite(level) else np.nanmax(levels) for level in levels)
    total = low + (high - low) * (gap - left) / (right - left)
    for edge, level in ((left, low), (right, high)):
        if 0 <= edge < n and np.isfinite(error[edge]):
            total += (error[edge] - level) * np.exp(-np.abs(gap - edge) / _EDGE_DECAY)
    return total


def _level(error: F64) -> float:
    known = error[np.isfinite(error)]
    return float(np.median(known)) if known.size else float("nan")


def _bridge(restored: F64, filled: F64) -> F64:
    """Draw lines over samples still missing."""
    known = np.isfinite(restored)
    if not known.any():
        return filled
    t = np.arange(restored.size)
    return np.where(known, restored, np.interp(t, t[known], restored[known]))
