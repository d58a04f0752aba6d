"""What is done to a window before it is restored: gaps and noise, by the window's own seed.

Shapes: N windows, T = 500 samples each, M = 50 samples of margin, X = T + 2 M.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.corrupt.noise import noise
from ops.judge.noise import mixed_noise, motion_noise, noise_power, qrs_power
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32

F64 = NDArray[np.float64]

GAP: Final = 150
"""30 % of a window, as in the paper."""

MANY: Final = (5, 12)
SHORT: Final = (5, 25)
"""Gaps a window, and samples each (40 to 200 ms)."""

SNRS_DB: Final = (12, 6, 0, -6)
PAPER_DB: Final = 15
WINDOW: Final = slice(MARGIN_SAMPLES, MARGIN_SAMPLES + WINDOW_SAMPLES)


def one_gap(x: F32, length: int, rng: np.random.Generator) -> F32:
    """Cut one gap of ``length`` samples at random into each window."""
    start = rng.integers(0, WINDOW_SAMPLES - length + 1, len(x))[:, None]
    t = np.arange(WINDOW_SAMPLES)
    return np.where((t >= start) & (t < start + length), np.float32("nan"), x)


def short_gaps(x: F32, rng: np.random.Generator) -> F32:
    """Cut 5 to 12 gaps of 40 to 200 ms into each window; they may meet."""
    holed = x.copy()
    for row in holed:
        for length in rng.integers(SHORT[0], SHORT[1] + 1, rng.integers(MANY[0], MANY[1] + 1)):
            start = rng.integers(0, WINDOW_SAMPLES - length + 1)
            row[start : start + length] = np.nan
    return holed


def with_gaps(wide: F32, seeds: NDArray[np.int64], name: str) -> F32:
    """Cut the gaps called ``name`` into the windows within ``wide`` (N, X); margins stay whole."""
    holed = wide.copy()
    for i, seed in enumerate(seeds):
        rng, x = _rng(seed, name), wide[i : i + 1, WINDOW]
        holed[i, WINDOW] = (short_gaps(x, rng) if name == "many gaps" else one_gap(x, GAP, rng))[0]
    return holed


def with_noise(wide: F32, seeds: NDArray[np.int64], name: str, nstdb: dict[str, F32]) -> F32:
    """Add the noise called ``name``, as ``nst 6 dB``, to ``wide`` (N, X), margins included.

    ``gaussian``, ``motion`` and ``made-ecg``, which is that of training, take the clean window's
    variance over the noise's; ``nst`` the QRS power over the noise's, both as that program has
    them. The ratio is that within the window.
    """
    kind, snr_db, _ = name.split()
    draw = _NOISES.get(kind, partial(mixed_noise, nstdb))
    added = (
        np.stack([draw(wide.shape[1], _rng(seed, name)) for seed in seeds])
        if len(seeds)
        else (np.zeros(wide.shape))
    )
    clean, within = wide[:, WINDOW], added[:, WINDOW]
    signal = qrs_power(clean) if kind == "nst" else clean.var(axis=1, dtype=np.float64)
    power = noise_power(within) if kind == "nst" else within.var(axis=1)
    gain = np.sqrt(signal / np.maximum(power, 1e-30) * 10 ** (-float(snr_db) / 10))
    return (wide + gain[:, None] * added).astype(np.float32)


def _rng(seed: int, name: str) -> np.random.Generator:
    """The same noise for the same window, whatever it is drawn with and whoever is to mend it."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _gaussian(samples: int, rng: np.random.Generator) -> F64:
    return rng.standard_normal(samples)


def _made(modality: Modality, samples: int, rng: np.random.Generator) -> F64:
    return np.asarray(noise(modality, 1, samples, rng)[0], dtype=np.float64)


_NOISES: Final[dict[str, Callable[[int, np.random.Generator], F64]]] = {
    "gaussian": _gaussian,
    "motion": motion_noise,
    **{f"made-{m}": partial(_made, m) for m in MODALITIES},
}
