"""How near a restored signal is to the true one, in the units of the UniCardio paper.

Shapes: N windows, T = 500 samples each.

PPG and ECG are min-max to [-1, 1] by the clean window's range, BP is (mmHg - 100) / 50 (arXiv
2505.22306). Every figure is NaN where nothing was made.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.rows import whole
from schemas.modality import Modality
from schemas.restoration import F32, RestoreBatch

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MIDDLE_MMHG: Final = 100.0
_HALF_MMHG: Final = 50.0
_FLAT: Final = 1e-9
MOST_LAG: Final = 50
"""Samples: 0.4 s."""

_EXTENT: Final = (0.02, 0.5, 0.98)


def paper_scale(truth: F32, target: Modality) -> tuple[F64, F64]:
    """Give (N, 1) what is 0 and what is 1 in the paper's units; a flat window has no 1: NaN."""
    if target == "abp":
        ones = np.ones((len(truth), 1))
        return _MIDDLE_MMHG * ones, _HALF_MMHG * ones
    low, high = truth.min(axis=1, keepdims=True), truth.max(axis=1, keepdims=True)
    half = (high.astype(np.float64) - low) / 2
    return low + half, np.where(half > _FLAT, half, np.nan)


def made_samples(batch: RestoreBatch) -> Mask:
    """Say (N, T) which samples are judged: the missing ones when imputing, else all."""
    x = batch.signals[batch.target]
    return np.isnan(x) if batch.task == "impute" else np.ones(x.shape, np.bool_)


def scale_to_truth(mean: F32, truth: F32) -> tuple[F64, F64]:
    """Give (N, 1) the factor and offset that put ``mean`` on the scale of ``truth``.

    ECG and PPG made from nothing have no scale of their own: median and the range from the 2nd to
    the 98th percentile become the truth's. NaN where ``mean`` is flat or not there.
    """
    spoken = whole(mean)
    low, middle, high = _extent(np.where(spoken[:, None], mean, 0))
    true_low, true_middle, true_high = _extent(truth)
    span = np.where(spoken & (high - low > _FLAT), high - low, np.nan)
    factor = (true_high - true_low) / span
    return factor[:, None], (true_middle - factor * middle)[:, None]


def _extent(x: NDArray[np.floating]) -> F64:
    return np.asarray(np.quantile(x.astype(np.float64), _EXTENT, axis=1))


def root_mean_square(error: F64, made: Mask) -> F64:
    """Give (N,) the root mean square of ``error`` (N, T) over the samples ``made``."""
    return np.sqrt(mean_over(error**2, made))


def mean_over(values: F64, made: Mask) -> F64:
    """Average ``values`` (N, T) over the samples ``made``; NaN where one of them is."""
    count = made.sum(axis=1)
    total = np.where(made, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def kolmogorov_smirnov(y: F64, truth: F64, made: Mask) -> F64:
    """Give (N,) the two-sample KS statistic: how far apart the values' distributions are."""
    return np.array(
        [_distance(a[kept], b[kept]) for a, b, kept in zip(y, truth, made, strict=True)]
    )


def _distance(a: F64, b: F64) -> float:
    if not a.size or not np.isfinite(a).all():
        return float("nan")
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    below = [np.searchsorted(part, both, side="right") for part in (a, b)]
    return float(np.abs(below[0] - below[1]).max() / a.size)


def correlation(y: F64, truth: F64, made: Mask) -> F64:
    """Give (N,) Pearson's correlation over the samples ``made``; NaN where one side is flat."""
    centred = [np.where(made, x - mean_over(x, made)[:, None], 0) for x in (y, truth)]
    product = (centred[0] * centred[1]).sum(axis=1)
    energy = (centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1)
    known = energy > _FLAT**2
    return np.where(known, product / np.sqrt(np.where(known, energy, 1)), np.nan)


def aligned_correlation(y: F64, truth: F64) -> F64:
    """Give (N,) the largest correlation with ``y`` moved by up to 0.4 s either way.

    Monitors delay PPG by a constant of their own, which is nothing that a shape can tell.
    """
    n = y.shape[1]
    best = np.full(len(y), np.nan)
    for lag in range(-MOST_LAG, MOST_LAG + 1):
        mine, true = y[:, max(lag, 0) : n + min(lag, 0)], truth[:, max(-lag, 0) : n - max(lag, 0)]
        best = np.fmax(best, correlation(mine, true, np.ones(mine.shape, np.bool_)))
    return best


def decibels(power: F64, over: F64) -> F64:
    """Give 10 lg of a ratio of powers, within 100 dB either way."""
    known = np.isfinite(power) & np.isfinite(over)
    ratio = np.log10(np.maximum(np.where(known, power, 1), 1e-30))
    ratio -= np.log10(np.maximum(np.where(known, over, 1), 1e-30))
    return np.where(known, np.clip(10 * ratio, -100, 100), np.nan)
