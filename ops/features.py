"""Hand-made features of PPG and ECG, as cuff-less blood pressure is usually guessed from.

``features`` takes signals as they are; ``described`` leaves out what hangs on a monitor's gain.

Shapes: N windows, T = 500 samples each, F = 48 features, NaN where untold.
"""

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from ops.beats import Beats, detect_beats, fill_gaps, heart_rate
from schemas.grid import GRID_FS
from schemas.restoration import F32

F64 = NDArray[np.float64]

CODE: Final = (Path(__file__), Path(__file__).parent / "beats.py")
"""The files that decide them, for the hash of a restorer that leans on them."""

_OBSERVED: Final = 0.8
"""A window of which less is there is not described."""

_UNTOLD: Final = (0, 1, 33)
"""Columns of what ``described`` has taken out: middle and spread of the PPG, middle of the ECG."""

_MV: Final = (34, 39)
"""Columns that are in mV: spread of the ECG, and height of its QRS."""

_PHASES: Final = 16
_DEPTHS: Final = (0.25, 0.5, 0.75)
_ECG_BANDS_HZ: Final = ((0.5, 4), (4, 8), (8, 15), (15, 25), (25, 40))
_HARMONICS: Final = 5
_QRS_REACH: Final = 6
_FLAT: Final = 1e-6
_LONGEST: Final = 1.5
"""A pulse follows its R peak within so many seconds."""


def features(ppg: F32, ecg: F32) -> F64:
    """Give (N, F): 33 of the PPG, 12 of the ECG, 3 of the delay between them."""
    sides = [np.nan_to_num(x) for x in (ppg, ecg)]
    pulses, qrs = detect_beats(sides[0], "ppg"), detect_beats(sides[1], "ecg")
    there = [np.isfinite(x).all(axis=1) & (x.std(axis=1) > _FLAT) for x in (ppg, ecg)]
    parts = [
        np.where(there[0][:, None], _ppg_features(sides[0], pulses), np.nan),
        np.where(there[1][:, None], _ecg_features(sides[1], qrs), np.nan),
        np.where((there[0] & there[1])[:, None], _delays(sides[0], pulses, qrs), np.nan),
    ]
    return np.concatenate(parts, axis=1)


def described(ppg: F32, ecg: F32, in_mv: NDArray[np.bool_]) -> F64:
    """Give (N, F) of a PPG of any gain and of an ECG, both of any offset.

    Short gaps are filled. The ECG's size is told where (N,) ``in_mv`` says that it is in mV.
    """
    ppg, ecg = (np.where(_observed(x), fill_gaps(x)[0], np.float32("nan")) for x in (ppg, ecg))
    told = features(_scaled(ppg), np.where(in_mv[:, None], _centred(ecg), _scaled(ecg)))
    told[:, _UNTOLD] = np.nan
    told[:, _MV] = np.where(in_mv[:, None], told[:, _MV], np.nan)
    return told


def _observed(x: F32) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(x).mean(axis=1) >= _OBSERVED)[:, None]


def _centred(x: F32) -> F32:
    centred: F32 = (x - x.mean(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)
    return centred


def _scaled(x: F32) -> F32:
    centred = _centred(x)
    spread = np.maximum(centred.std(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    scaled: F32 = centred / spread
    return scaled


def _ppg_features(x: F32, beats: Beats) -> F64:
    shape = [_pulse_shape(row, feet[feet >= 0]) for row, feet in zip(x, beats.foot, strict=True)]
    slope = np.diff(x.astype(np.float64), axis=1) * GRID_FS
    columns = [
        _moments(x),
        heart_rate(beats)[:, None],
        _interval_spread(beats)[:, None],
        slope.max(axis=1)[:, None],
        slope.min(axis=1)[:, None],
        np.diff(slope, axis=1).max(axis=1)[:, None],
        _harmonics(x, heart_rate(beats)),
        np.array(shape).reshape(len(x), -1),
    ]
    return np.concatenate(columns, axis=1)


def _ecg_features(x: F32, beats: Beats) -> F64:
    at = beats.index.astype(np.int64)
    told = (at >= _QRS_REACH) & (at < x.shape[1] - _QRS_REACH)
    near = np.where(told, at, _QRS_REACH)[:, :, None] + np.arange(-_QRS_REACH, _QRS_REACH + 1)
    span = np.where(told, np.ptp(x[np.arange(len(x))[:, None, None], near], axis=2), 0)
    height = span.sum(axis=1) / np.where(told.any(axis=1), told.sum(axis=1), np.nan)
    columns = [
        _moments(x),
        heart_rate(beats)[:, None],
        _interval_spread(beats)[:, None],
        height[:, None],
        _band_shares(x),
    ]
    return np.concatenate(columns, axis=1)


def _moments(x: F32) -> F64:
    wide = x.astype(np.float64) + 1e-12 * np.arange(x.shape[1])
    return np.stack(
        [wide.mean(axis=1), wide.std(axis=1), skew(wide, axis=1), kurtosis(wide, axis=1)], axis=1
    )


def _interval_spread(beats: Beats) -> F64:
    """Give (N,) the standard deviation of beat intervals in seconds, NaN under three beats."""
    gaps = np.diff(beats.index.astype(np.float64), axis=1)
    told = beats.index[:, 1:] >= 0
    count = told.sum(axis=1)
    mean = np.where(told, gaps, 0).sum(axis=1) / np.maximum(count, 1)
    square = np.where(told, (gaps - mean[:, None]) ** 2, 0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 1, np.sqrt(square) / GRID_FS, np.nan)


def _power(x: F32) -> tuple[F64, F64]:
    centred = x.astype(np.float64) - x.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(x.shape[1]), axis=1)) ** 2
    return np.asarray(np.fft.rfftfreq(x.shape[1], 1 / GRID_FS)), np.asarray(spectrum)


def _band_shares(x: F32) -> F64:
    frequency, power = _power(x)
    total = np.maximum(power.sum(axis=1), 1e-30)
    bands = [(frequency >= low) & (frequency < high) for low, high in _ECG_BANDS_HZ]
    return np.stack([power[:, band].sum(axis=1) / total for band in bands], axis=1)


def _harmonics(x: F32, rate: F32) -> F64:
    """Give (N, 5) the share of the power within 0.4 Hz of each multiple of the heart rate."""
    frequency, power = _power(x)
    total = np.maximum(power.sum(axis=1), 1e-30)
    base = np.nan_to_num(rate / 60, nan=-10)[:, None]
    near = [np.abs(frequency - k * base) < 0.4 for k in range(1, _HARMONICS + 1)]
    return np.stack([np.where(n, power, 0).sum(axis=1) / total for n in near], axis=1)


def _pulse_shape(x: F32, feet: NDArray[np.int16]) -> list[float]:
    """Describe the mean pulse: height, rise, widths at three depths, and 14 of its 16 phases."""
    if feet.size < 2:
        return [float("nan")] * (2 + len(_DEPTHS) + _PHASES - 2)
    phase = np.arange(_PHASES * 4) / (_PHASES * 4)
    at = [a + phase * (b - a) for a, b in pairwise(feet)]
    pulse = np.median([np.interp(times, np.arange(x.size), x) for times in at], axis=0)
    low, high = float(pulse.min()), float(pulse.max())
    unit = (pulse - low) / max(high - low, _FLAT)
    seconds = float(np.median(np.diff(feet))) / GRID_FS
    widths = [float((unit > depth).mean()) * seconds for depth in _DEPTHS]
    rise = float(phase[unit.argmax()]) * seconds
    return [high - low, rise, *widths, *unit[4:-4:4].tolist()]


def _delays(ppg: F32, pulses: Beats, qrs: Beats) -> F64:
    """Give (N, 3) median seconds from R peak to the next foot, steepest rise and peak."""
    steepest = np.diff(ppg.astype(np.float64), axis=1)
    rows = []
    for i in range(len(ppg)):
        r, foot, peak = (b[i][b[i] >= 0] for b in (qrs.index, pulses.foot, pulses.index))
        rise = np.array([f + steepest[i, f : f + 30].argmax() for f in foot])
        rows.append([_following(r, times) for times in (foot, rise, peak)])
    return np.array(rows).reshape(-1, 3)


def _following(r: NDArray[np.int16], times: NDArray[np.generic]) -> float:
    """Give the median seconds from each of ``r`` to the next of ``times``."""
    if not r.size or not times.size:
        return float("nan")
    lag = times.astype(np.float64)[None, :] - r[:, None]
    nearest = np.where(lag > 0, lag, np.inf).min(axis=1) / GRID_FS
    told = nearest[nearest < _LONGEST]
    return float(np.median(told)) if told.size else float("nan")
