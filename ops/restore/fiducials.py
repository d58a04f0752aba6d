"""Beat times of each window, from measured samples only."""

import numpy as np
from numpy.typing import NDArray

from ops.beats import detect_beats
from schemas.modality import Modality

F64 = NDArray[np.float64]

CLEARANCE = 6
"""Samples (48 ms) that a beat must lie from a gap to count as measured."""


def beat_times(x: F64, modality: Modality) -> list[F64]:
    """Find the beats of each of the windows ``x`` (B, T), NaN where missing.

    Returns:
        Rising times in samples a window: R peaks of an ECG, feet of a pulse. None in a gap.
    """
    found = detect_beats(x.astype(np.float32), modality)
    times = (found.index if modality == "ecg" else found.foot).astype(np.int64)
    clear = times >= 0
    mask = np.isfinite(x)
    for offset in range(-CLEARANCE, CLEARANCE + 1):
        beside = np.clip(times + offset, 0, x.shape[1] - 1)
        clear &= np.take_along_axis(mask, beside, axis=1)
    return [np.unique(row[told]).astype(np.float64) for row, told in zip(times, clear, strict=True)]
