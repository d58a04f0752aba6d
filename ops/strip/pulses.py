"""Pulse waves made to follow known beats, for windows whose rhythm is known of the ECG alone.

Without them a model would learn that a rhythm which people told goes with no PPG at all.

Shapes: N windows, K beats, T = 500 samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.restoration import F32

LEAST_BEATS: Final = 2
"""With fewer no interval is known that a pulse before the first could follow."""

_BEFORE: Final = 2
"""Beats before the window whose waves reach into it."""

_STRENGTH: Final = (0.2, 1.6)
"""Of a beat's pulse, in usual ones."""


def pulses(beats: NDArray[np.int16], rng: np.random.Generator) -> F32:
    """Give (N, T) PPG of beats (N, K), samples padded with -1; all NaN where too few are known.

    A pulse is the weaker the shorter its heart had to fill, as those of early beats are.
    """
    out = np.full((len(beats), WINDOW_SAMPLES), np.nan, np.float32)
    for i, row in enumerate(beats):
        at = row[row >= 0] / GRID_FS
        if at.size >= LEAST_BEATS:
            out[i] = _wave(at, rng)
    return out


def _wave(at: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    usual = float(np.median(np.diff(at)))
    at = np.concatenate([at[0] - usual * np.arange(_BEFORE, 0, -1), at])
    filled = np.diff(at, prepend=at[0] - usual) / usual
    strength = np.clip(1 + rng.uniform(0.3, 1.2) * (filled - 1), *_STRENGTH)
    delay, rise = rng.uniform(0.15, 0.3), rng.uniform(0.1, 0.15)
    notch, later = rng.uniform(0.05, 0.35), rng.uniform(0.25, 0.35)
    t = np.arange(WINDOW_SAMPLES) / GRID_FS
    since = t - at[:, None] - delay
    one = _bump(since, rise) + notch * _bump(since - later, rise)
    breath = rng.uniform(0, 0.1) * np.sin(2 * np.pi * (t * rng.uniform(0.15, 0.4) + rng.random()))
    noise = rng.uniform(0, 0.02) * rng.standard_normal(t.size)
    return np.asarray((strength[:, None] * one).sum(axis=0) + breath + noise)


def _bump(since: NDArray[np.float64], rise: float) -> NDArray[np.float64]:
    """Rise to 1 in ``rise`` seconds, and fall more slowly."""
    x = np.maximum(since, 0) / rise
    return np.asarray(x**2 * np.exp(2 * (1 - x)))
