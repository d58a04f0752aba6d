"""How alike the beats of a window are.

Shapes: N windows, K beats, L samples a beat. Correlation of each beat with the window's mean beat
follows Orphanidou et al. 2015 (doi 10.1109/JBHI.2014.2338351). What is left of a beat once the mean
beat is taken away is its noise; against the QRS it gives a signal-to-noise ratio in the terms of
the MIT-BIH Noise Stress Test's ``nst`` (signal power = peak-to-peak squared / 8).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import Beats, pick
from schemas.modality import Modality

Rows = NDArray[np.float32]

_REACH: Final[dict[Modality, tuple[int, int]]] = {"ecg": (20, 32), "ppg": (30, 38), "abp": (30, 38)}
_QRS_REACH: Final = 6
_BLOCK: Final = 25
_QUIET_SHARE: Final = 0.3
_TINY: Final = np.float32(1e-12)


@dataclass(frozen=True)
class Likeness:
    """Of the beats that lie whole in the window; NaN where fewer than two do."""

    correlation: Rows
    """(N,) median over beats of the correlation with the mean beat."""
    snr_db: Rows
    """(N,) power of the mean beat over that of what is left, dB, median over beats."""
    whole: NDArray[np.int16]
    """(N,) beats that lie whole in the window."""


def likeness(rows: Rows, observed: NDArray[np.bool_], beats: Beats, modality: Modality) -> Likeness:
    """Compare the beats of ``rows`` (N, T) with their mean; those in gaps don't count."""
    back, ahead = _REACH[modality]
    at = beats.index[:, : max(int(beats.count.max(initial=0)), 1)].astype(np.intp)
    whole = (at >= back) & (at + ahead < rows.shape[1])
    lost = np.cumsum(~observed, axis=1, dtype=np.int16)
    whole &= pick(lost, at + ahead - 1) == pick(lost, at - back)
    beat = _cut(rows, at, whole, back, ahead)
    count = whole.sum(axis=1)
    mean = beat.sum(axis=1) / np.maximum(count, 1)[:, None].astype(np.float32)
    product = (beat * mean[:, None]).sum(axis=2)
    energy = (beat * beat).sum(axis=2)
    mean_energy = (mean * mean).sum(axis=1)
    correlation = product / np.sqrt(energy * mean_energy[:, None] + _TINY)
    left = energy - 2 * product + mean_energy[:, None]
    span = mean.max(axis=1) - mean.min(axis=1)
    noise = masked_median(np.maximum(left, 0), whole) / np.float32(back + ahead)
    unbiased = noise * (count / np.maximum(count - 1, 1)).astype(np.float32)
    snr = 10 * np.log10((span * span / 8 + _TINY) / (unbiased + _TINY))
    few = count < 2
    return Likeness(
        correlation=np.where(few, np.nan, masked_median(correlation, whole)).astype(np.float32),
        snr_db=np.where(few, np.nan, snr).astype(np.float32),
        whole=count.astype(np.int16),
    )


def quiet_snr_db(rows: Rows, beats: Beats) -> Rows:
    """Give (N,) power of the QRS over that of the quieter stretches of ``rows`` (N, T), dB.

    The QRS counts as ``nst`` counts it (peak-to-peak within 50 ms of the R peak, squared / 8), the
    noise as the power that three tenths of the blocks of 0.2 s stay below. Unlike a comparison of
    beats, it takes no ectopic beat for noise. NaN where there is no beat.
    """
    at = beats.index[:, : max(int(beats.count.max(initial=0)), 1)].astype(np.intp)
    top = np.full(at.shape, -np.inf, np.float32)
    bottom = -top
    for offset in range(-_QRS_REACH, _QRS_REACH + 1):
        level = pick(rows, at + offset)
        top, bottom = np.maximum(top, level), np.minimum(bottom, level)
    span = masked_median(top - bottom, at >= 0)
    blocks = rows.reshape(len(rows), rows.shape[1] // _BLOCK, _BLOCK)
    spread = np.sort((blocks * blocks).mean(axis=2), axis=1)
    noise = spread[:, round(_QUIET_SHARE * spread.shape[1])]
    return np.asarray(10 * np.log10((span * span / 8 + _TINY) / (noise + _TINY)), np.float32)


def _cut(rows: Rows, at: NDArray[np.intp], whole: NDArray[np.bool_], back: int, ahead: int) -> Rows:
    """Cut (N, K, L) beats, each of zero mean and all zero where not ``whole``."""
    position = np.where(whole, at, back)[:, :, None] + np.arange(-back, ahead)
    beat = rows[np.arange(len(rows))[:, None, None], position]
    beat = beat - beat.mean(axis=2, keepdims=True)
    return np.where(whole[:, :, None], beat, np.float32(0))


def masked_median(values: Rows, mask: NDArray[np.bool_]) -> Rows:
    """Give (N,) the median over K of ``values`` (N, K) where ``mask``; NaN where none is."""
    ordered = np.sort(np.where(mask, values, np.inf), axis=1)
    n = mask.sum(axis=1)
    row = np.arange(len(values))
    low = ordered[row, np.maximum(n - 1, 0) // 2]
    high = ordered[row, np.minimum(n // 2, values.shape[1] - 1)]
    with np.errstate(invalid="ignore"):
        middle = (low + high) / 2
    return np.where(n > 0, middle, np.nan).astype(np.float32)
