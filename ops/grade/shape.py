"""Indexes of a window's samples alone: flat, saturated, slew, range, skewness, kurtosis.

Shapes: N windows, T samples. Rows are bridged where samples are missing (``ops.beats.fill_gaps``).
Flat lines, rails and impossible values are the first checks of the entries to the CinC Challenge
2011 on ECG quality (Silva et al. 2011, Computers in Cardiology 38:273).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

FLAT_SAMPLES: Final = 115
"""0.92 s on the grid: the stretch over which a signal must move."""

_LEVEL_SHARE: Final = 0.002


def amplitude(rows: Rows) -> Rows:
    """Give (N,) the range between the 2nd and 98th percentile, in the signal's unit."""
    ordered = np.partition(rows, (10, 489), axis=1)
    return np.asarray(ordered[:, 489] - ordered[:, 10], dtype=np.float32)


def tolerance(rows: Rows, step: Rows) -> Rows:
    """Give (N,) the difference below which two samples are equal: one step or 0.2 % of the range.

    ``step`` is NaN where the quantisation is not known.
    """
    span = rows.max(axis=1) - rows.min(axis=1)
    least: Rows = np.fmax(np.float32(1.01) * step, np.float32(_LEVEL_SHARE) * span)
    return least


def least_range(rows: Rows, width: int) -> Rows:
    """Give (N,) the least max - min over any ``width`` samples in a row."""
    span = _running(rows, width, np.maximum) - _running(rows, width, np.minimum)
    least: Rows = span.min(axis=1)
    return least


def _running(rows: Rows, width: int, extreme: np.ufunc) -> Rows:
    """Running extreme over ``width`` samples by doubling: (N, T - width + 1)."""
    reach, running = 1, rows
    while 2 * reach <= width:
        running = extreme(running[:, :-reach], running[:, reach:])
        reach *= 2
    rest = width - reach
    return running if rest == 0 else extreme(running[:, :-rest], running[:, rest:])


def rail_share(rows: Rows, observed: NDArray[np.bool_], equal: Rows) -> Rows:
    """Give (N,) the share of samples that were observed at the window's own extremes.

    ``equal`` (N,) is how near counts as the same.
    """
    top = rows >= (rows.max(axis=1) - equal)[:, None]
    bottom = rows <= (rows.min(axis=1) + equal)[:, None]
    share: Rows = ((top | bottom) & observed).mean(axis=1).astype(np.float32)
    return share


def largest_slew(rows: Rows) -> Rows:
    """Give (N,) the largest change from one sample to the next, in the signal's unit."""
    return np.asarray(np.abs(np.diff(rows, axis=1)).max(axis=1), dtype=np.float32)


def share_outside(rows: Rows, low: float, high: float) -> Rows:
    """Give (N,) the share of samples below ``low`` or above ``high``."""
    share: Rows = ((rows < low) | (rows > high)).mean(axis=1).astype(np.float32)
    return share


def skewness_and_kurtosis(rows: Rows) -> tuple[Rows, Rows]:
    """Give (N,) skewness and kurtosis (3 for a normal distribution); 0 and 0 for a level row.

    ECG: kSQI, sSQI (Clifford et al. 2012). PPG: S_SQI (Elgendi 2016, doi
    10.3390/bioengineering3040021).
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    squared = centred * centred
    variance = np.maximum(squared.mean(axis=1), np.float32(1e-20))
    skewness = (squared * centred).mean(axis=1) / variance**1.5
    kurtosis = (squared * squared).mean(axis=1) / variance**2
    return skewness.astype(np.float32), kurtosis.astype(np.float32)
