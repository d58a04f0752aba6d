"""What a classical step says before its interval is known, and the classes that give it one.

Shapes: B windows, T samples each. A class is one cell of a table of measured residuals.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

F64 = NDArray[np.float64]
Int = NDArray[np.int64]

MEASURED: Final = -1
"""The cell of a sample that was measured and kept."""

_ACTIVITY_EDGES: Final = (0.05, 0.2)
N_ACTIVITY: Final = len(_ACTIVITY_EDGES) + 1
_ACTIVITY_SAMPLES: Final = 9


@dataclass(frozen=True)
class Estimate:
    """A restored batch without its interval.

    Attributes:
        mean: (B, T) in the target's unit; a row of NaN where the step abstained.
        scale: (B,) what residuals are relative to, in the target's unit; positive.
        cell: (B, T) class of each sample's residual, ``MEASURED`` where it was kept.
        window_cell: (B,) class of the residuals of the window's pressures.
    """

    mean: F64
    scale: F64
    cell: Int
    window_cell: Int


def robust_range(x: F64) -> F64:
    """Give (B,) the span from the 1st to the 99th percentile of what is known in ``x`` (B, T).

    1 where that is nothing, or flat.
    """
    ranked = np.sort(x, axis=1)
    last = np.maximum(np.isfinite(x).sum(axis=1) - 1, 0)
    row = np.arange(len(x))
    low, high = (ranked[row, np.round(last * q).astype(np.int64)] for q in (0.01, 0.99))
    span = high - low
    return np.where(span > 0, span, 1.0)


def activity(mean: F64, scale: F64) -> Int:
    """Class every sample of ``mean`` (B, T) by how much the curve moves within 72 ms of it.

    Errors are small on the isoelectric line and large on a QRS or an upstroke.
    """
    highest = maximum_filter1d(mean, _ACTIVITY_SAMPLES, axis=1, mode="nearest")
    lowest = minimum_filter1d(mean, _ACTIVITY_SAMPLES, axis=1, mode="nearest")
    moved = (highest - lowest) / scale[:, None]
    return np.asarray(np.digitize(moved, _ACTIVITY_EDGES), dtype=np.int64)
