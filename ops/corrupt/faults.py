"""Faults: what a sensor, an amplifier or an arterial line does to a signal that is there.

Shapes: N rows, T samples at 125 Hz, in the signal's unit.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.grid import GRID_FS
from schemas.modality import Modality

F32 = NDArray[np.float32]

FLUSH_MMHG: Final = (220.0, 300.0)
FAULTS: Final[dict[Modality, tuple[str, ...]]] = {
    "ecg": ("saturated", "dropped", "spiked"),
    "ppg": ("saturated", "dropped", "spiked"),
    "abp": ("saturated", "dropped", "spiked", "damped", "flushed"),
}


def faulty(x: F32, modality: Modality, rng: np.random.Generator) -> F32:
    """Give each row of ``x`` one of the modality's faults."""
    kinds = FAULTS[modality]
    chosen = rng.integers(0, len(kinds), len(x))
    made = x.copy()
    for i, kind in enumerate(kinds):
        rows = chosen == i
        if rows.any():
            made[rows] = _FAULT[kind](x[rows], rng)
    return made


def saturated(x: F32, rng: np.random.Generator) -> F32:
    """Hold what is above or below a level at that level, as an amplifier at its rail."""
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    share = rng.uniform(0.1, 0.6, (len(x), 1)).astype(np.float32)
    top = rng.random((len(x), 1)) < 0.7
    cut = share * (high - low)
    held = np.where(top, np.minimum(x, high - cut), np.maximum(x, low + cut))
    return np.asarray(held, dtype=np.float32)


def dropped(x: F32, rng: np.random.Generator) -> F32:
    """Let a stretch of 0.2 to 2 s lie at one level."""
    inside = _stretch(x, 25, 250, rng)
    level = np.where(
        rng.random((len(x), 1)) < 0.5, x.min(axis=1, keepdims=True), x.mean(axis=1, keepdims=True)
    )
    return np.where(inside, level, x).astype(np.float32)


def spiked(x: F32, rng: np.random.Generator) -> F32:
    """Add one to six spikes of a few samples, up to five times the range high."""
    span = np.ptp(x, axis=1)[:, None]
    made = x.copy()
    for k in range(6):
        inside = _stretch(x, 1, 4, rng) & ((k == 0) | (rng.random((len(x), 1)) < 0.5))
        made += np.where(inside, rng.uniform(-5, 5, (len(x), 1)) * span, 0).astype(np.float32)
    return made


def damped(x: F32, rng: np.random.Generator) -> F32:
    """Take away what a kinked or clotted line takes: low-passed at 0.8 to 4 Hz."""
    # Mirrored at its ends, as a window's last beat does not run into its first.
    mirrored = np.concatenate([x, x[:, ::-1]], axis=1)
    frequency = np.fft.rfftfreq(mirrored.shape[1], 1 / GRID_FS)
    cutoff_hz = rng.uniform(0.8, 4, (len(x), 1))
    gain = 1 / np.sqrt(1 + (frequency / cutoff_hz) ** 4)
    passed = np.fft.irfft(np.fft.rfft(mirrored, axis=1) * gain, n=mirrored.shape[1], axis=1)
    return np.asarray(passed[:, : x.shape[1]], dtype=np.float32)


def flushed(x: F32, rng: np.random.Generator) -> F32:
    """Raise 0.4 to 2.4 s to the pressure of the flush bag (mmHg)."""
    inside = _stretch(x, 50, 300, rng)
    level = rng.uniform(*FLUSH_MMHG, (len(x), 1)).astype(np.float32)
    return np.where(inside, level, x)


def shifted(x: F32, most: int, rng: np.random.Generator) -> F32:
    """Move each row by up to ``most`` samples, as monitors delay modalities; ends become NaN."""
    by = rng.integers(-most, most + 1, (len(x), 1))
    at = np.arange(x.shape[1]) + by
    inside = (at >= 0) & (at < x.shape[1])
    taken = np.take_along_axis(x, np.clip(at, 0, x.shape[1] - 1), axis=1)
    return np.where(inside, taken, np.float32("nan"))


def _stretch(x: F32, least: int, most: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose a stretch of ``least`` to ``most`` samples in each row: (N, T)."""
    n, samples = x.shape
    length = rng.integers(least, most + 1, (n, 1))
    start = rng.integers(-length // 2, samples, (n, 1))
    t = np.arange(samples)
    return np.asarray((t >= start) & (t < start + length))


_FAULT: Final = {
    "saturated": saturated,
    "dropped": dropped,
    "spiked": spiked,
    "damped": damped,
    "flushed": flushed,
}
