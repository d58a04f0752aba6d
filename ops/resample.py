"""Evaluate a signal on the 125 Hz grid at its own true rate, with anti-aliasing.

A Kaiser-windowed sinc (Smith, Digital Audio Resampling, 2002) from a table of phases, cut off at
0.45 of the lower rate. Positions are absolute in the record, so that a piece of
a signal gives the same floats as the whole, and an hour at 249.89 Hz does not drift.
"""

from functools import lru_cache
from math import ceil
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from schemas.grid import GRID_FS

F32 = NDArray[np.float32]
CUTOFF: Final = 0.45
"""Of the lower of the two rates."""
ZERO_CROSSINGS: Final = 14
KAISER_BETA: Final = 8.0
_TABLE_VALUES: Final = 2**19
"""Phases times taps: at 250 Hz the nearest phase is at most 0.25 microseconds off."""
MIN_FS: Final = 1.0
MAX_FS: Final = 100_000.0
_BLOCK_VALUES: Final = 2**17


def nearest_sample(k: NDArray[np.int64], fs: float) -> NDArray[np.int64]:
    """The sample of a signal at ``fs`` Hz that lies nearest to each grid sample."""
    nearest: NDArray[np.int64] = np.floor(k * (fs / GRID_FS) + 0.5).astype(np.int64)
    return nearest


def grid_span(first: int, stop: int, fs: float) -> tuple[int, int]:
    """The grid samples whose nearest source sample is in ``[first, stop)``, as ``[k, k_stop)``."""
    return _first_nearest(first, fs), _first_nearest(stop, fs)


def source_span(k: int, k_stop: int, fs: float) -> tuple[int, int]:
    """The source samples that the grid samples ``[k, k_stop)`` are made from."""
    margin = 0 if fs == GRID_FS else half_taps(fs) + 1
    first, last = nearest_sample(np.array([k, max(k_stop - 1, k)], np.int64), fs)
    return int(first) - margin, int(last) + margin + 1


def half_taps(fs: float) -> int:
    """Source samples on either side that a grid sample is made from."""
    return ceil(ZERO_CROSSINGS * fs / (2 * CUTOFF * min(fs, GRID_FS)))


def resample(samples: F32, first: int, fs: float, k: int, k_stop: int) -> F32:
    """Evaluate a signal at the grid samples ``[k, k_stop)``.

    A grid sample is missing where its nearest source sample is missing or outside ``samples``;
    elsewhere a missing tap takes the value of the nearest sample, so that neither gaps nor edges
    leak. At 125 Hz the samples are passed on untouched.

    Args:
        samples: source samples, NaN where missing.
        first: the number of ``samples[0]``, counted from the record's start at ``fs``.
        fs: the signal's true rate in Hz.
        k: first grid sample, counted from the record's start.
        k_stop: one past the last.

    Raises:
        ValueError: where ``fs`` is out of bounds.
    """
    if not MIN_FS <= fs <= MAX_FS:
        message = f"fs must be in [{MIN_FS:g}, {MAX_FS:g}] Hz, got {fs:g}"
        raise ValueError(message)
    grid = np.arange(k, k_stop, dtype=np.int64)
    nearest = nearest_sample(grid, fs) - first
    inside = (nearest >= 0) & (nearest < len(samples))
    resampled = np.full(len(grid), np.nan, np.float32)
    if fs == GRID_FS:
        resampled[inside] = samples[nearest[inside]]
        return resampled
    half = half_taps(fs)
    padded = np.pad(samples, half + 1, constant_values=np.nan)
    where = np.flatnonzero(inside)
    block = max(_BLOCK_VALUES // (2 * half), 1)
    for start in range(0, len(where), block):
        rows = where[start : start + block]
        resampled[rows] = _evaluate(padded, first - half - 1, fs, grid[rows])
    return resampled


def _evaluate(padded: F32, first: int, fs: float, grid: NDArray[np.int64]) -> F32:
    """Weigh the taps of each grid sample; ``padded[0]`` is source sample ``first``."""
    half = half_taps(fs)
    position = grid * (fs / GRID_FS)
    floor = np.floor(position)
    table = _phase_table(fs)
    row = np.rint((position - floor) * (len(table) - 1)).astype(np.int64)
    left = floor.astype(np.int64) - first - half + 1
    taps = sliding_window_view(padded, 2 * half)[left]  # (n, taps)
    nearest = padded[nearest_sample(grid, fs) - first]
    gaps = np.isnan(taps)
    if gaps.any():
        taps = np.where(gaps, nearest[:, None], taps)
    resampled: F32 = np.einsum("nt,nt->n", taps, np.take(table, row, axis=0))
    resampled[np.isnan(nearest) | ~np.isfinite(resampled)] = np.nan
    return resampled


@lru_cache(maxsize=8)
def _phase_table(fs: float) -> F32:
    """Weights of the taps, (phases from 0 to 1, taps), each phase summing to 1."""
    half = half_taps(fs)
    n_phases = max(_TABLE_VALUES // (2 * half), 1)
    offsets = np.arange(-half + 1, half + 1) - np.linspace(0, 1, n_phases + 1)[:, None]
    bandwidth = 2 * CUTOFF * min(fs, GRID_FS) / fs
    inside = np.clip(1 - (offsets / half) ** 2, 0, None)
    kernel = np.sinc(bandwidth * offsets) * np.i0(KAISER_BETA * np.sqrt(inside))
    table: F32 = (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
    return table


def _first_nearest(sample: int, fs: float) -> int:
    """The first grid sample whose nearest source sample is ``sample`` or later."""
    k = max(ceil((sample - 0.5) * GRID_FS / fs) - 1, 0)
    while int(nearest_sample(np.array([k], np.int64), fs)[0]) < sample:
        k += 1
    return k
