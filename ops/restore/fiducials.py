"""Beat times of each window, from measured samples only."""

import numpy as np
from numpy.typing import NDArray

from ops.beats import detect_beats
from ops.restore.gaps import Gaps, find_gaps, interpolate
from schemas.modality import Modality

F64 = NDArray[np.float64]

CLEARANCE = 6
"""Samples (48 ms) that a beat must lie from a gap to count as measured."""


def beat_times(x: F64, modality: Modality) -> list[F64]:
    """Find the beats of each of the windows ``x`` (B, T), NaN where missing.

    Returns:
        Rising times in samples a window: R peaks of an ECG, feet of a pulse. None in a gap.
    """
    if x.shape[0] == 0:
        return []
    mask = np.isfinite(x)
    gaps = find_gaps(mask)
    filled = np.where(mask.any(axis=1, keepdims=True), interpolate(x, gaps), 0.0)
    found = detect_beats(filled.astype(np.float32), modality)
    times = found.index if modality == "ecg" else found.foot
    return [_clear_of_gaps(row, gaps, i) for i, row in enumerate(times)]


def _clear_of_gaps(times: NDArray[np.int64], gaps: Gaps, row: int) -> F64:
    """Drop padding, and beats that lie in a gap or at its edge."""
    known = np.unique(times[times >= 0])
    n = gaps.length.shape[1]
    around = np.clip(known[:, None] + np.arange(-CLEARANCE, CLEARANCE + 1), 0, n - 1)
    clear = (gaps.length[row][around] == 0).all(axis=1)
    return np.asarray(known[clear], dtype=np.float64)
