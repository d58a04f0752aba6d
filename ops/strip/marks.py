"""Marks that an artefact leaves on a signal, each a number a window.

Shapes: N windows, T samples at 125 Hz, K beats, S = 20 steps of 0.2 s. Most are shares of the
signal's range, that between its 2nd and 98th percentile.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import Beats, band_pass, fill_gaps
from ops.grade import pressure, spectrum, templates
from ops.strip.levels import at_extreme, leaps_of, level_runs, range_of
from ops.strip.spans import by_steps, run_lengths
from schemas.grid import GRID_FS
from schemas.modality import Modality
from schemas.restoration import F32

Mask = NDArray[np.bool_]

HIGH_MMHG: Final = 200.0
"""A level line above it is no pulse."""

NEAR: Final = 12
"""Samples on either side of a beat of an ECG in which what is fine may be its own."""

PERIOD_S: Final = (0.32, 1.6)
"""Least and greatest time from beat to beat that is averaged over."""

_FINE_HZ: Final[dict[Modality, float]] = {"ecg": 25.0, "ppg": 12.0, "abp": 15.0}
_BEAT_HZ: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (0.7, 40.0),
    "ppg": (0.5, 20.0),
    "abp": (0.5, 20.0),
}
_NO_NOISE_DB: Final = 60.0
_TINY: Final = np.float32(1e-9)
_TINY_POWER: Final = np.float32(1e-20)


@dataclass(frozen=True)
class Marks:
    """Of N windows, all (N,) but the last two.

    Attributes:
        missing: share of samples.
        level_run: longest run of samples at one level.
        high_run: longest run of them above 200 mmHg, where it is calibrated ABP.
        plateaus: how often the signal stays at one of its extremes, the more frequent one.
        rail: share of samples at that extreme.
        leap: how far a few samples leap from those around them, of the range.
        stray: that leap over the usual largest one of 0.8 s.
        rough: rms of what is too fine for a beat, between beats, in the median step; of the range.
        burst: the same in the worst step.
        wander: standard deviation of the mean over a beat along the window, of the range.
        unlike: what beats leave of their mean, of its size; 0 with fewer than two beats.
        upstroke: steepest rise of ABP over pulse pressure (1/s), NaN where untold.
        fine_db: power from 5 to 12 Hz over that from 0.5 to 5 Hz.
        fine: (N, S) rms of what is too fine for a beat.
        odd: (N, S) rms of what is like neither the beat before nor the one after.
    """

    missing: F32
    level_run: NDArray[np.intp]
    high_run: NDArray[np.intp]
    plateaus: NDArray[np.intp]
    rail: F32
    leap: F32
    stray: F32
    rough: F32
    burst: F32
    wander: F32
    unlike: F32
    upstroke: F32
    fine_db: F32
    fine: F32
    odd: F32


def marks(x: F32, beats: Beats, calibrated: Mask, modality: Modality) -> Marks:
    """Find the marks of ``x`` (N, T), NaN missing, whose beats are known."""
    rows, observed = fill_gaps(x)
    size = range_of(rows)
    level, leaps, period = level_runs(x, size), leaps_of(rows), _period(beats)
    plateaus, rail = _rails(x, size)
    fine = _fine(rows, beats, modality)
    usual = np.median(leaps.reshape(len(x), 5, -1).max(axis=2), axis=1)
    return Marks(
        missing=(1 - observed.mean(axis=1)).astype(np.float32),
        level_run=level.max(axis=1),
        high_run=np.where((x > HIGH_MMHG) & calibrated[:, None], level, 0).max(axis=1),
        plateaus=plateaus,
        rail=rail,
        leap=leaps.max(axis=1) / size,
        stray=leaps.max(axis=1) / np.maximum(usual, _TINY),
        rough=np.median(fine, axis=1) / size,
        burst=fine.max(axis=1) / size,
        wander=_wander(rows, period) / size,
        unlike=_unlike(rows, observed, beats, modality),
        upstroke=_upstroke(rows, beats, modality),
        fine_db=_fine_db(rows),
        fine=fine,
        odd=_odd(rows, period),
    )


def _rails(x: F32, size: F32) -> tuple[NDArray[np.intp], F32]:
    top, bottom = at_extreme(x, size), at_extreme(-x, size)
    held = np.where((top.sum(axis=1) >= bottom.sum(axis=1))[:, None], top, bottom)
    begins = held[:, 0] + (held[:, 1:] & ~held[:, :-1]).sum(axis=1)
    return begins.astype(np.intp), held.mean(axis=1).astype(np.float32)


def _period(beats: Beats) -> NDArray[np.intp]:
    """Give (N, 1) samples from beat to beat, by the median; a second where that is not known."""
    gaps = np.diff(beats.index.astype(np.float32), axis=1)
    median = templates.masked_median(gaps, beats.index[:, 1:] >= 0)
    least, most = (round(bound * GRID_FS) for bound in PERIOD_S)
    known = np.nan_to_num(median, nan=GRID_FS)
    return np.clip(known, least, most).astype(np.intp)[:, None]


def _wander(rows: F32, period: NDArray[np.intp]) -> F32:
    """Give (N,) the spread of the mean over one beat, along the window: no pulse is in it."""
    none = np.zeros((len(rows), 1))
    total = np.concatenate([none, rows.cumsum(axis=1, dtype=np.float64)], axis=1)
    end = np.arange(rows.shape[1])[None] + period
    inside = end <= rows.shape[1]
    mean = np.take_along_axis(total, np.minimum(end, rows.shape[1]), axis=1) - total[:, :-1]
    mean = np.where(inside, mean / period, 0)
    count = inside.sum(axis=1)
    middle = mean.sum(axis=1) / count
    square = np.where(inside, (mean - middle[:, None]) ** 2, 0).sum(axis=1) / count
    return np.asarray(np.sqrt(square), np.float32)


def _odd(rows: F32, period: NDArray[np.intp]) -> F32:
    """Compare each sample with those one beat before and after, and take the nearer."""
    at = np.arange(rows.shape[1])[None]
    last = rows.shape[1] - 1
    before = np.abs(rows - np.take_along_axis(rows, np.maximum(at - period, 0), axis=1))
    after = np.abs(rows - np.take_along_axis(rows, np.minimum(at + period, last), axis=1))
    before, after = (
        np.where(at < period, after, before),
        np.where(at + period > last, before, after),
    )
    apart = by_steps(np.minimum(before, after))
    return np.asarray(np.sqrt((apart**2).mean(axis=2)), np.float32)


def _fine(rows: F32, beats: Beats, modality: Modality) -> F32:
    """Give (N, S) rms above what beats have; of an ECG, between its beats."""
    fine = band_pass(rows, _FINE_HZ[modality], GRID_FS / 2)
    square = fine * fine
    away = by_steps(~_near(beats, rows.shape[1]) if modality == "ecg" else np.ones_like(rows, bool))
    total = np.where(away, by_steps(square), 0).sum(axis=2)
    return np.asarray(np.sqrt(total / np.maximum(away.sum(axis=2), 1)), np.float32)


def _near(beats: Beats, samples: int) -> Mask:
    """Say (N, T) which samples are near a beat."""
    marked = np.zeros((len(beats.index), samples + 2 * NEAR), np.bool_)
    row, k = np.nonzero(beats.index >= 0)
    marked[row, beats.index[row, k] + NEAR] = True
    until = run_lengths(~marked)
    return np.asarray(until[:, 2 * NEAR :] <= 2 * NEAR)


def _unlike(rows: F32, observed: Mask, beats: Beats, modality: Modality) -> F32:
    likeness = templates.likeness(band_pass(rows, *_BEAT_HZ[modality]), observed, beats, modality)
    snr_db = np.nan_to_num(likeness.snr_db, nan=_NO_NOISE_DB)
    return np.asarray(10 ** (-snr_db / 20), np.float32)


def _upstroke(rows: F32, beats: Beats, modality: Modality) -> F32:
    if modality != "abp":
        return np.full(len(rows), np.nan, np.float32)
    return pressure.pressures(rows, beats).upstroke


def _fine_db(rows: F32) -> F32:
    power = spectrum.power(rows)
    fine, coarse = spectrum.band(power, 5, 12), spectrum.band(power, 0.5, 5)
    return 10 * np.log10((fine + _TINY_POWER) / (coarse + _TINY_POWER))
