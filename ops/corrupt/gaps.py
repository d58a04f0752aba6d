"""Gaps: one, many short ones, or one that comes back, as where a cuff on the same arm inflates.

Shapes: N rows, T samples.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def gaps(n: int, samples: int, rng: np.random.Generator) -> Mask:
    """Say (N, T) where samples are missing: 2 to about 60 % of each row."""
    kinds = rng.choice(3, n, p=(0.55, 0.3, 0.15))
    made = np.stack(
        [one_gap(n, samples, rng), many_gaps(n, samples, rng), repeated_gaps(n, samples, rng)]
    )
    missing: Mask = made[kinds, np.arange(n)]
    return missing


def one_gap(n: int, samples: int, rng: np.random.Generator, share: float | None = None) -> Mask:
    """Cut one gap a row, of a given share of it or of 2 to 60 %."""
    length = rng.uniform(0.02, 0.6, n) if share is None else np.full(n, share)
    length = np.round(length * samples)[:, None]
    start = np.floor(rng.random((n, 1)) * (samples - length + 1))
    t = np.arange(samples)
    return np.asarray((t >= start) & (t < start + length))


def many_gaps(n: int, samples: int, rng: np.random.Generator) -> Mask:
    """Cut 2 to 16 gaps of up to 0.3 s a row."""
    count = rng.integers(2, 17, (n, 1))
    start = rng.integers(0, samples, (n, 16))
    length = rng.integers(2, 38, (n, 16))
    length[np.arange(16) >= count] = 0
    edges = np.zeros((n, samples + 1), np.int32)
    row = np.arange(n)[:, None]
    np.add.at(edges, (row, start), 1)
    np.add.at(edges, (row, np.minimum(start + length, samples)), -1)
    return np.asarray(edges.cumsum(axis=1)[:, :samples] > 0)


def repeated_gaps(n: int, samples: int, rng: np.random.Generator) -> Mask:
    """Cut a gap that comes back every 0.5 to 2 s, 15 to 55 % of that time long."""
    period = rng.uniform(60, 250, (n, 1))
    share = rng.uniform(0.15, 0.55, (n, 1))
    phase = rng.random((n, 1))
    return np.asarray((np.arange(samples) / period + phase) % 1 < share)
