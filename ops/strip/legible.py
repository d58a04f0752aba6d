"""Where the beats of a spoiled window can be told, by what is known to have been done to it.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T samples, S = 20 steps.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import band_pass
from ops.strip.spans import by_steps
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32

STANDS_OUT: Final = 3.0
"""A beat is told where it is as many times as high as what was done there, by its rms; both in the
band in which beats are looked for, so that a wandering line hides none."""

LOST: Final = 0.5
"""Nothing is told of a step of which more than this share is missing."""

_BANDS_HZ: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (6.0, 22.0),
    "ppg": (0.8, 8.0),
    "abp": (0.8, 8.0),
}
_TALL: Final = 99
"""Percentile of the size of a clean signal in that band that is a beat's height."""


def legible(clean: F32, seen: F32) -> NDArray[np.bool_]:
    """Say (B, M, S) where a beat of ``clean`` (B, M, T) would stand out in ``seen``."""
    told = np.zeros((*clean.shape[:2], by_steps(clean).shape[2]), np.bool_)
    for i, m in enumerate(MODALITIES):
        there = np.isfinite(clean[:, i]) & np.isfinite(seen[:, i])
        rows = np.flatnonzero(there.any(axis=1))
        told[rows, i] = _legible(clean[rows, i], seen[rows, i], m)
    return told


def _legible(clean: F32, seen: F32, modality: Modality) -> NDArray[np.bool_]:
    there = np.isfinite(seen) & np.isfinite(clean)
    known = np.nan_to_num(np.where(there, clean, np.nanmedian(clean, axis=1, keepdims=True)))
    height = np.percentile(
        np.abs(band_pass(known, *_BANDS_HZ[modality])), _TALL, axis=1, keepdims=True
    )
    done = np.where(there, seen - clean, np.float32(0))
    touched = np.flatnonzero((done != 0).any(axis=1))
    rms = np.zeros((len(clean), by_steps(clean).shape[1]))
    if touched.size:
        rms[touched] = _loudest(band_pass(done[touched], *_BANDS_HZ[modality]))
    lost = 1 - by_steps(there).mean(axis=2)
    level = (np.ptp(by_steps(seen), axis=2) == 0) & by_steps(done).any(axis=2)
    told = (STANDS_OUT * rms <= height) & (height > 0) & (lost <= LOST) & ~level
    return np.asarray(told)


def _loudest(apart: F32) -> NDArray[np.float64]:
    """Give (N, S) the largest rms over 0.2 s of (N, T) around any sample of a step."""
    width = by_steps(apart).shape[2]
    edges = ((0, 0), (width // 2 + 1, width // 2))
    total = np.pad(apart.astype(np.float64) ** 2, edges).cumsum(axis=1)
    mean = (total[:, width:] - total[:, :-width]) / width
    return np.asarray(np.sqrt(np.maximum(by_steps(mean).max(axis=2), 0)))
