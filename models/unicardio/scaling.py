"""Signals to the network's scale and back, from what a night can know.

The release scales PPG and ECG by the clean window's own range, which is the truth. Here the range
is that of the observed samples; for a signal that is to be denoised, whose own range is that of its
noise, it is the range of the record's good windows nearby, if there are any.

Shapes: B windows, T = 500 samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.unicardio.architecture import MODALITY_OF_SLOT
from schemas.modality import UNITS, Modality
from schemas.restoration import F32, RestoreBatch

GAP: Final = -1.0
"""What a missing sample is coded as, in the release: a legal value of all three signals too."""

PRESSURE_RANGE: Final = (50.0, 150.0)
"""mmHg that are -1 and 1."""

NORMAL_RANGE: Final = (-1.0, 1.0)
"""Of ECG and PPG that are made from nothing: no scale of theirs is known."""


def scaled_slots(batch: RestoreBatch) -> F32:
    """Give (B, 3, T) PPG, BP and ECG as the network reads them, gaps and absent signals as -1."""
    return np.stack([to_scale(batch.signals[m], range_of(batch, m)) for m in MODALITY_OF_SLOT], 1)


def range_of(batch: RestoreBatch, m: Modality) -> F32:
    """Give (B, 2) values of a modality that are -1 and 1 to the network; NaN where none is known.

    A pressure without its unit has none, nor has a signal without two different samples.
    """
    n = len(batch.seeds)
    if m == batch.target and batch.task == "translate":
        return _same(PRESSURE_RANGE if m == "abp" else NORMAL_RANGE, n)
    if m == "abp":
        known = np.array([unit == UNITS["abp"] for unit in batch.units["abp"]])
        return np.where(known[:, None], _same(PRESSURE_RANGE, n), np.float32("nan"))
    own = _observed_range(batch.signals[m])
    if m != batch.target or batch.task != "denoise":
        return own
    usual = batch.usual[m]
    return np.where(_wide(usual)[:, None], usual, own)


def to_scale(x: F32, ends: F32) -> F32:
    """Map (B, T) samples so that the (B, 2) ends are -1 and 1; missing ones become ``GAP``.

    So do those whose value would be beyond float32.
    """
    low, high = ends[:, :1], ends[:, 1:]
    with np.errstate(over="ignore"):
        scaled = 2 * ((x - low) / (high - low)) - 1
    return np.where(np.isfinite(scaled), scaled, np.float32(GAP))


def from_scale(y: F32, ends: F32) -> F32:
    """Map (B, S, T) samples of the network back, so that -1 and 1 are the (B, 2) ends."""
    low, high = ends[:, None, :1], ends[:, None, 1:]
    with np.errstate(over="ignore"):
        return low + (y + 1) / 2 * (high - low)


def _same(ends: tuple[float, float], n: int) -> F32:
    return np.tile(np.array(ends, dtype=np.float32), (n, 1))


def _observed_range(x: F32) -> F32:
    there = np.isfinite(x)
    low = np.where(there, x, np.inf).min(axis=1)
    high = np.where(there, x, -np.inf).max(axis=1)
    ends = np.stack([low, high], axis=1)
    return np.where(_wide(ends)[:, None], ends, np.float32("nan")).astype(np.float32)


def _wide(ends: F32) -> NDArray[np.bool_]:
    """Say where a range can be divided by."""
    known = np.asarray(np.isfinite(ends).all(axis=1))[:, None]
    low, high = np.where(known, ends, 0).astype(np.float64).T
    limits = np.finfo(np.float32)
    return np.asarray((high - low > limits.tiny) & (high - low <= limits.max))
