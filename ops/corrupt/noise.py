"""Noise of unit standard deviation: wander, movement of electrode or finger, muscle, white.

Shapes: N rows, T samples at 125 Hz.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.grid import GRID_FS
from schemas.modality import Modality

F32 = NDArray[np.float32]

BANDS_HZ: Final[dict[str, tuple[float, float]]] = {
    "wander": (0.05, 0.8),
    "movement": (0.5, 12.0),
    "muscle": (12.0, 62.5),
    "white": (0.0, 62.5),
}
KINDS: Final = tuple(BANDS_HZ)
_LIKELY: Final[dict[Modality, tuple[float, ...]]] = {
    "ecg": (0.5, 0.8, 0.5, 0.3),
    "ppg": (0.5, 1.0, 0.1, 0.3),
    "abp": (0.3, 0.8, 0.1, 0.4),
}
"""Concentrations of the mix, in the order of ``KINDS``: the smaller, the rarer and the purer."""


def noise(modality: Modality, n: int, samples: int, rng: np.random.Generator) -> F32:
    """Make (N, T) noise of a modality, a mix of kinds of its own a row."""
    mix = rng.dirichlet(_LIKELY[modality], n).astype(np.float32)
    total = np.zeros((n, samples), np.float32)
    for share, kind in zip(mix.T, KINDS, strict=True):
        total += np.sqrt(share)[:, None] * noise_of(kind, n, samples, rng)
    return _unit(total)


def noise_of(kind: str, n: int, samples: int, rng: np.random.Generator) -> F32:
    """Make (N, T) noise of one of ``KINDS``; all but wander and white come in bursts."""
    low, high = BANDS_HZ[kind]
    slope = rng.uniform(0.0, 2.5, n) if kind == "movement" else np.zeros(n)
    made = _coloured(n, samples, low, high, slope, rng)
    if kind == "movement":
        made += rng.uniform(0, 1.5, (n, 1)).astype(np.float32) * _steps(n, samples, rng)
    if kind in ("movement", "muscle"):
        made *= _bursts(n, samples, rng)
    return _unit(made)


def _coloured(
    n: int,
    samples: int,
    low_hz: float,
    high_hz: float,
    slope: NDArray[np.float64],
    rng: np.random.Generator,
) -> F32:
    """Shape white noise to a band, its power falling by ``slope`` (N,) over frequency."""
    frequency = np.fft.rfftfreq(samples, 1 / GRID_FS)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    spectrum = rng.standard_normal((2, n, inside.sum()))
    fall = np.maximum(frequency[inside], 0.25) ** (-slope[:, None] / 2)
    whole = np.zeros((n, frequency.size), np.complex64)
    whole[:, inside] = (spectrum[0] + 1j * spectrum[1]) * fall
    return _unit(np.fft.irfft(whole, n=samples, axis=1).astype(np.float32))


def _steps(n: int, samples: int, rng: np.random.Generator) -> F32:
    """Jumps that fade, as of an electrode that is touched: one to three a row."""
    t = np.arange(samples, dtype=np.float32)
    total = np.zeros((n, samples), np.float32)
    for _ in range(3):
        at = rng.uniform(-0.5 * samples, samples, (n, 1)).astype(np.float32)
        fade = rng.uniform(5, 120, (n, 1)).astype(np.float32)
        height = rng.standard_normal((n, 1)).astype(np.float32)
        since = np.maximum(t - at, 0)
        total += np.where(t >= at, height * np.exp(-since / fade), np.float32(0))
    return _unit(total - total.mean(axis=1, keepdims=True))


def _bursts(n: int, samples: int, rng: np.random.Generator) -> F32:
    """Envelopes (N, T) in [0.05, 1]: throughout in half of the rows, else a part of it."""
    middle = rng.uniform(0, samples, (n, 1))
    width = np.where(rng.random((n, 1)) < 0.5, 4 * samples, rng.uniform(30, samples, (n, 1)))
    edge = np.abs(np.arange(samples) - middle) / width
    fallen = np.exp(-np.maximum(edge - 0.25, 0) * 16)
    return np.asarray(np.maximum(fallen, 0.05), dtype=np.float32)


def _unit(rows: F32) -> F32:
    spread = rows.std(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(spread, np.float32(1e-6)), dtype=np.float32)
