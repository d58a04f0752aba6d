"""Gaps: a curve where they are short, the neighbouring beats where they are long.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.estimate import MEASURED, N_ACTIVITY, Estimate, activity, robust_range
from ops.restore.gaps import Gaps, find_gaps, interpolate
from ops.restore.placing import N_SOURCES, NO_BEATS, clock_across_gaps
from ops.restore.tables import ImputeRule
from ops.restore.template import templates_of
from schemas.modality import Modality

F64 = NDArray[np.float64]
Int = NDArray[np.int64]

_LEVEL_SAMPLES: Final = 25
"""200 ms beside a gap say how far the template lies off there."""

_EDGE_DECAY: Final = 3.0
"""Samples over which the step at an edge is taken out."""

_LENGTH_EDGES: Final = (5, 13, 32, 80, 140, 220)
_DISTANCE_EDGES: Final = (2, 3, 5, 9, 17, 33)
_SHARE_EDGES: Final = (0.03, 0.1, 0.2, 0.3, 0.4, 0.5)
_BEND_EDGES: Final = (0.005, 0.01, 0.02, 0.04)
_MISFIT_EDGES: Final = (0.02, 0.04, 0.08, 0.16)
_N_UNSTEADY: Final = len(_MISFIT_EDGES) + 1
CELLS: Final = (
    N_SOURCES,
    len(_LENGTH_EDGES) + 1,
    _N_UNSTEADY,
    len(_DISTANCE_EDGES) + 1,
    N_ACTIVITY,
)
"""Classes: drawn or from whose beats, the gap's length, how badly the same way of filling does on
the window's measured samples, the distance from the gap's edge, activity.
"""

WINDOW_CELLS: Final = (N_SOURCES, len(_SHARE_EDGES) + 1, _N_UNSTEADY)
"""Classes of a window: drawn or from whose beats, its missing share, and how badly it does."""


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
    scale = robust_range(x)
    source = np.full(len(x), NO_BEATS)
    drawn = np.digitize(_bend(x) / scale, _BEND_EDGES)
    laid = np.zeros(len(x), dtype=np.int64)
    for i in np.flatnonzero(long.any(axis=1) & mask.any(axis=1)):
        clock, source[i] = clock_across_gaps(
            own[i], guests[i], rule.guests, gaps.length[i], float(hr[i])
        )
        if clock is None:
            continue
        template, from_others = templates_of(x[i], clock)
        mean[i] = fill_with_beats(x[i], mean[i], template, gaps, int(i), rule.short_samples)
        laid[i] = np.digitize(_misfit(x[i] - from_others) / scale[i], _MISFIT_EDGES)
    from_beats = long & (source[:, None] != NO_BEATS)
    cell = _cells(
        mean,
        scale,
        gaps,
        np.where(from_beats, source[:, None], NO_BEATS),
        np.where(from_beats, laid[:, None], drawn[:, None]),
    )
    share = np.digitize(1 - mask.mean(axis=1), _SHARE_EDGES)
    unsteady = np.where(source == NO_BEATS, drawn, laid)
    window_cell = np.ravel_multi_index((source, share, unsteady), WINDOW_CELLS)
    return Estimate(mean, scale, cell, window_cell)


def _bend(x: F64) -> F64:
    """Give (B,) the mean distance of measured samples from the chord over 64 ms around them."""
    distance = np.abs(x[:, 4:-4] - 0.5 * (x[:, :-8] + x[:, 8:]))
    known = np.isfinite(distance)
    total = np.where(known, distance, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1))


def _misfit(error: F64) -> float:
    """Give the RMS of what is known of ``error`` (T,), infinite where nothing is."""
    known = error[np.isfinite(error)]
    return float(np.sqrt(np.mean(known**2))) if known.size else float("inf")


def _cells(mean: F64, scale: F64, gaps: Gaps, source: Int, unsteady: Int) -> Int:
    length = np.digitize(gaps.length, _LENGTH_EDGES)
    distance = np.digitize(gaps.distance, _DISTANCE_EDGES)
    cell = np.ravel_multi_index((source, length, unsteady, distance, activity(mean, scale)), CELLS)
    return np.where(gaps.length == 0, MEASURED, cell)


def fill_with_beats(x: F64, filled: F64, template: F64, gaps: Gaps, row: int, over: int) -> F64:
    """Fill the gaps of ``x`` (T,) longer than ``over`` samples with the beat ``template`` (T,).

    The template is shifted to the level beside the gap and led into its edges without a step;
    phases that no beat shows are drawn as a line. ``filled`` has what stands elsewhere.
    """
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
