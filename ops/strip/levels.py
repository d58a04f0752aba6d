"""Levels and leaps of a signal, sample by sample.

Shapes: N rows, T samples. ``size`` (N,) is the range of each row.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.grade import shape
from ops.strip.spans import run_lengths
from schemas.restoration import F32

Mask = NDArray[np.bool_]

LEVEL: Final = 0.001
"""Samples are level that differ by less than this share of the range."""

PLATEAU: Final = 3
"""Samples in a row at an extreme that make a plateau."""

SPIKE: Final = 5
"""Samples that a spike is shorter than."""

_TINY: Final = np.float32(1e-9)


def range_of(rows: F32) -> F32:
    """Give (N,) the range between the 2nd and 98th percentile, never 0."""
    return np.maximum(shape.amplitude(rows), _TINY)


def level_runs(x: F32, size: F32) -> NDArray[np.intp]:
    """Count (N, T) the samples at one level that end at each; 0 where it is no level."""
    with np.errstate(invalid="ignore"):
        same = np.abs(np.diff(x, axis=1)) <= LEVEL * size[:, None]
    runs = np.zeros(x.shape, np.intp)
    runs[:, 1:] = run_lengths(same)
    return np.where(runs > 0, runs + 1, 0)


def at_extreme(x: F32, size: F32) -> Mask:
    """Say (N, T) which samples are as large as any, in runs that make a plateau."""
    top = np.where(np.isfinite(x), x, -np.inf).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        runs = run_lengths(x >= top - 2 * LEVEL * size[:, None])
    held = np.zeros(x.shape, np.bool_)
    for back in range(PLATEAU):
        held[:, : x.shape[1] - back] |= runs[:, back:] >= PLATEAU
    return held


def leaps_of(rows: F32) -> F32:
    """Give (N, T) how far each sample lies beyond both the 5th before and the 5th after it."""
    padded = np.pad(rows, ((0, 0), (SPIKE, SPIKE)), mode="edge")
    before = rows - padded[:, : -2 * SPIKE]
    after = rows - padded[:, 2 * SPIKE :]
    beyond = np.sign(before) == np.sign(after)
    return np.where(beyond, np.minimum(np.abs(before), np.abs(after)), np.float32(0))
