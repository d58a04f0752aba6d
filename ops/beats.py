"""Beats of ECG, PPG and ABP within windows of 4 s.

Shapes: N windows, T = 500 samples at 125 Hz, K = ``MAX_BEATS`` beats a window.

Each signal is turned into a strength that rises once a beat: for ECG the band-passed slope's
energy over 0.1 s (Pan & Tompkins 1985, doi 10.1109/TBME.1985.325532), for pulses the slope sum
(Zong et al. 2003, Computers in Cardiology 30:259). Its maxima are taken strongest first, each
barring its surroundings; autocorrelation gives the period that says how far these reach.
Every step is per row, so that a window's beats don't depend on its batch.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from schemas.grid import GRID_FS
from schemas.modality import Modality

MAX_BEATS: Final = 20
_PAD: Final = 70
_BANDS_HZ: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (6.0, 22.0),
    "ppg": (0.5, 8.0),
    "abp": (0.0, 10.0),
}
_SLOPE_SUM: Final = 16
_REFRACTORY_SHARE: Final = 0.5
_REFRACTORY_S: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (0.2, 0.36),
    "ppg": (0.25, 0.45),
    "abp": (0.25, 0.45),
}
_THRESHOLD: Final[dict[Modality, float]] = {"ecg": 0.3, "ppg": 0.25, "abp": 0.2}
_ECHO_S: Final[dict[Modality, float]] = {"ecg": 0.4, "ppg": 0.5, "abp": 0.5}
_ECHO: Final = 0.5
_CEILING: Final = 2.0
_PERIODIC: Final = 0.5
_LONG_GAP: Final = 25
"""Samples missing in a row (0.2 s) that a beat may have been lost in, without a trace."""

_RATE_RANGE: Final = (20.0, 300.0)

Rows = NDArray[np.float32]
Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True)
class Beats:
    """Where the beats of N windows are; the rest of each row is padded with -1."""

    index: NDArray[np.int16]
    """(N, K) sample of the R peak or the systolic peak, ascending."""
    foot: NDArray[np.int16]
    """(N, K) sample of the onset before each pulse, -1 where there is none; ECG: all -1."""
    count: NDArray[np.int16]
    """(N,) beats a window."""
    whole: NDArray[np.bool_]
    """(N, K) whether the time since the beat before was seen, so that none was missed in it."""


def detect_beats(windows: Rows, modality: Modality) -> Beats:
    """Find the beats of ``windows`` (N, T), NaN missing; none lies on a missing sample.

    Polarity and scale don't matter for ECG and PPG.
    """
    signal, observed = fill_gaps(windows)
    signal = band_pass(signal, *_BANDS_HZ[modality])
    if modality == "ppg":
        signal = signal * pulse_polarity(signal)[:, None]
    strength = _qrs_strength(signal) if modality == "ecg" else _slope_sum(signal)
    at, height = _strongest(strength, _refractory(strength, modality), _THRESHOLD[modality])
    kept = height >= _THRESHOLD[modality] * _reference_height(at, height)[:, None]
    kept &= (height > 0) & ~_is_echo(at, height, kept, round(_ECHO_S[modality] * GRID_FS))
    at, kept = _in_order(at, kept)
    if modality == "ecg":
        signal = signal * _qrs_polarity(signal, at, kept)[:, None]
        peak = _extremum_near(signal, at, 8, 8)
        return _observed_only(peak, np.full_like(peak, -1), kept, observed)
    peak = _extremum_near(signal, at, 2, 22)
    foot = _extremum_near(-signal, at, 30, 2)
    foot[foot <= 0] = -1
    return _observed_only(peak, foot, kept, observed)


def heart_rate(beats: Beats) -> NDArray[np.float32]:
    """Give (N,) beats/min from the median interval of those seen whole; NaN where there is none."""
    position = beats.index.astype(np.float32)
    gap = np.where(beats.whole[:, 1:], np.diff(position, axis=1), np.inf)
    gap.sort(axis=1)
    n = beats.whole.sum(axis=1)
    row = np.arange(len(gap))
    low, high = gap[row, np.maximum(n - 1, 0) // 2], gap[row, n // 2]
    with np.errstate(invalid="ignore"):
        rate = np.float32(120 * GRID_FS) / (low + high)
        told = (n > 0) & (rate >= _RATE_RANGE[0]) & (rate <= _RATE_RANGE[1])
    return np.where(told, rate, np.nan).astype(np.float32)


def fill_gaps(windows: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """Bridge missing samples by straight lines (level at the ends) and say what was observed.

    A row with no sample is filled with zeros.
    """
    observed = np.isfinite(windows)
    filled = windows.astype(np.float32, copy=True)
    holed = np.flatnonzero(~observed.all(axis=1))
    if holed.size:
        filled[holed] = _bridge(filled[holed], observed[holed])
    return filled, observed


def _bridge(rows: Rows, observed: NDArray[np.bool_]) -> Rows:
    n = rows.shape[1]
    time = np.arange(n)
    before = np.maximum.accumulate(np.where(observed, time, -1), axis=1)
    after = np.minimum.accumulate(np.where(observed, time, n)[:, ::-1], axis=1)[:, ::-1]
    before, after = (
        np.where(before < 0, after, before),
        np.where(after >= n, before, after),
    )
    none = ~observed.any(axis=1)
    before, after = np.clip(before, 0, n - 1), np.clip(after, 0, n - 1)
    left = np.take_along_axis(rows, before, axis=1)
    right = np.take_along_axis(rows, after, axis=1)
    share = (time - before) / np.maximum(after - before, 1)
    bridged: Rows = left + (right - left) * share.astype(np.float32)
    bridged[none] = 0
    return bridged


def band_pass(rows: Rows, low_hz: float, high_hz: float) -> Rows:
    """Filter (N, T) with zero phase between two raised-cosine edges, on rows mirrored at the ends.

    ``low_hz`` 0 keeps the level.
    """
    level = rows[:, :1]
    moved = rows - level
    before, after = moved[:, _PAD:0:-1], moved[:, -2 : -_PAD - 2 : -1]
    padded = np.concatenate([before, moved, after], axis=1)
    n = padded.shape[1]
    frequency = np.arange(n // 2 + 1) * (GRID_FS / n)
    gain = 1 / np.sqrt(1 + (frequency / high_hz) ** 8)
    if low_hz > 0:
        gain *= 1 - 1 / np.sqrt(1 + (frequency / low_hz) ** 4)
    spectrum = rfft(padded, axis=1) * gain.astype(np.float32)
    filtered = irfft(spectrum, n=n, axis=1)[:, _PAD:-_PAD]
    return np.asarray(filtered + level if low_hz == 0 else filtered, dtype=np.float32)


def pulse_polarity(rows: Rows) -> NDArray[np.float32]:
    """Say per row whether pulses point up (1) or down (-1): the upstroke is the steeper side."""
    slope = np.diff(rows, axis=1)
    return np.where((slope * slope * slope).sum(axis=1) < 0, -1, 1).astype(np.float32)


def _qrs_strength(rows: Rows) -> Rows:
    slope = np.zeros_like(rows)
    slope[:, 1:-1] = rows[:, 2:] - rows[:, :-2]
    return np.sqrt(_centred_sum(slope * slope, 13))


def _slope_sum(rows: Rows) -> Rows:
    rise = np.zeros_like(rows)
    rise[:, 1:] = np.maximum(np.diff(rows, axis=1), 0)
    return _centred_sum(rise, _SLOPE_SUM + 1)


def _centred_sum(rows: Rows, width: int) -> Rows:
    """Sum over ``width`` (odd) samples around each, fewer at the ends."""
    half = width // 2
    total = np.zeros((len(rows), rows.shape[1] + width), np.float64)
    np.cumsum(rows, axis=1, dtype=np.float64, out=total[:, half + 1 : half + 1 + rows.shape[1]])
    total[:, half + 1 + rows.shape[1] :] = total[:, half + rows.shape[1], None]
    summed = total[:, width:] - total[:, : rows.shape[1]]
    positive: Rows = np.maximum(summed, 0).astype(np.float32)
    return positive


def autocorrelation(rows: Rows) -> Rows:
    """Give (N, T) autocorrelation over lags, unbiased, 1 at lag 0; rows must hold no NaN."""
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    spectrum = rfft(centred, n=2 * n, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    raw = irfft(power, n=2 * n, axis=1)[:, :n]
    share = np.maximum(1 - np.arange(n, dtype=np.float32) / n, 0.25).astype(np.float32)
    return np.asarray(raw / share / np.maximum(raw[:, :1], 1e-30), dtype=np.float32)


def _refractory(strength: Rows, modality: Modality) -> NDArray[np.intp]:
    """Give (N,) samples barred on either side of a beat: a share of the period where there is one.

    The period is the shortest lag whose autocorrelation is near its largest.
    """
    lowest, longest = round(0.27 * GRID_FS), round(2.2 * GRID_FS)
    shape = autocorrelation(strength)[:, lowest - 1 : longest + 1]
    inner = shape[:, 1:-1]
    crest = (inner >= shape[:, :-2]) & (inner >= shape[:, 2:])
    crests = np.where(crest, inner, -1)
    best = crests.max(axis=1)
    near = crests >= np.maximum(best - 0.15, _PERIODIC)[:, None]
    period = np.where(near.any(axis=1), near.argmax(axis=1) + lowest, 0)
    least, most = (round(bound * GRID_FS) for bound in _REFRACTORY_S[modality])
    return np.clip(np.floor(period * _REFRACTORY_SHARE), least, most).astype(np.intp)


def _strongest(
    strength: Rows, refractory: NDArray[np.intp], threshold: float
) -> tuple[NDArray[np.intp], Rows]:
    """Take the K strongest maxima a row, (N, K), barring ``refractory`` samples around each.

    Maxima too low for any reference height are left out.
    """
    n, samples = strength.shape
    edge = np.zeros((n, 1), np.float32)
    before = np.concatenate([edge, strength[:, :-1]], axis=1)
    after = np.concatenate([strength[:, 1:], edge], axis=1)
    least = strength.max(axis=1, keepdims=True) * np.float32(threshold / _CEILING)
    crest = (strength >= before) & (strength > after) & (strength >= least)
    left = np.where(crest, strength, 0)
    at = np.zeros((n, MAX_BEATS), np.intp)
    height = np.zeros((n, MAX_BEATS), np.float32)
    row = np.arange(n)
    reach = np.arange(int(refractory.max(initial=0)) + 1)
    for k in range(MAX_BEATS):
        at[:, k] = left.argmax(axis=1)
        height[:, k] = left[row, at[:, k]]
        if not height[:, k].any():
            break
        near = np.minimum(reach, refractory[:, None])
        left[row[:, None], np.minimum(at[:, k, None] + near, samples - 1)] = 0
        left[row[:, None], np.maximum(at[:, k, None] - near, 0)] = 0
    return at, height


def _reference_height(at: NDArray[np.intp], height: Rows) -> NDArray[np.float32]:
    """Give (N,) what a beat's strength is here: the lesser of the two halves' strongest maxima.

    A single large artefact in one half then can't hide the beats; a pause can't raise noise either,
    as the reference stays within ``_CEILING`` of the window's strongest.
    """
    first = np.where(at < 250, height, 0).max(axis=1)
    second = np.where(at >= 250, height, 0).max(axis=1)
    larger = np.maximum(first, second)
    height_here: Rows = np.maximum(np.minimum(first, second), larger / np.float32(_CEILING))
    return height_here


def _is_echo(
    at: NDArray[np.intp], height: Rows, kept: NDArray[np.bool_], reach: int
) -> NDArray[np.bool_]:
    """Tell (N, K) T waves and dicrotic waves: weak ones within ``reach`` after a strong one."""
    after = at[:, :, None] - at[:, None, :]
    strong = kept[:, None, :] & (height[:, :, None] < _ECHO * height[:, None, :])
    return np.asarray(((after > 0) & (after <= reach) & strong).any(axis=2))


def _in_order(
    at: NDArray[np.intp], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Put what is kept first and in order of time; columns that no row needs are cut off."""
    order = np.argsort(np.where(kept, at, np.iinfo(np.intp).max), axis=1, kind="stable")
    order = order[:, : max(int(kept.sum(axis=1).max(initial=0)), 1)]
    return np.take_along_axis(at, order, axis=1), np.take_along_axis(kept, order, axis=1)


def pick(rows: NDArray[Sample], at: NDArray[np.intp]) -> NDArray[Sample]:
    """Take samples ``at`` (N, K) of ``rows`` (N, T); beyond an end, the end."""
    samples = rows.shape[1]
    start = np.arange(len(rows))[:, None] * samples
    picked: NDArray[Sample] = rows.reshape(-1).take(np.clip(at, 0, samples - 1) + start)
    return picked


def _extremum_near(rows: Rows, at: NDArray[np.intp], back: int, ahead: int) -> NDArray[np.intp]:
    """Give (N, K) where each row is largest within ``back`` and ``ahead`` samples of ``at``."""
    best = at - back
    value = pick(rows, best)
    for step in range(1 - back, ahead + 1):
        level = pick(rows, at + step)
        better = level > value
        best = np.where(better, at + step, best)
        value = np.where(better, level, value)
    return np.clip(best, 0, rows.shape[1] - 1)


def _qrs_polarity(rows: Rows, at: NDArray[np.intp], kept: NDArray[np.bool_]) -> Rows:
    """Say per row whether its R peaks point up (1) or down (-1): one side for all beats."""
    up = pick(rows, _extremum_near(rows, at, 8, 8))
    down = pick(rows, _extremum_near(-rows, at, 8, 8))
    return np.where(np.where(kept, up + down, 0).sum(axis=1) < 0, -1, 1).astype(np.float32)


def _observed_only(
    peak: NDArray[np.intp],
    foot: NDArray[np.intp],
    kept: NDArray[np.bool_],
    observed: NDArray[np.bool_],
) -> Beats:
    """Leave out beats on missing samples, and those that came out at the same peak."""
    seen = kept & np.take_along_axis(observed, peak, axis=1)
    seen[:, 1:] &= peak[:, 1:] > peak[:, :-1]
    foot_seen = np.take_along_axis(observed, np.maximum(foot, 0), axis=1) & (foot >= 0)
    order = np.argsort(~seen, axis=1, kind="stable")
    index = np.full((len(peak), MAX_BEATS), -1, np.int16)
    onset = index.copy()
    n = peak.shape[1]
    index[:, :n] = np.take_along_axis(np.where(seen, peak, -1), order, axis=1)
    onset[:, :n] = np.take_along_axis(np.where(seen & foot_seen, foot, -1), order, axis=1)
    whole = np.zeros(index.shape, np.bool_)
    whole[:, 1:] = index[:, 1:] >= 0
    holed = np.flatnonzero(~observed.all(axis=1))
    if holed.size:
        unseen = np.where(kept & ~seen, peak, -1)[holed]
        whole[holed] &= _seen_through(index[holed], unseen, observed[holed])
    return Beats(index=index, foot=onset, count=seen.sum(axis=1).astype(np.int16), whole=whole)


def _seen_through(
    index: NDArray[np.int16], unseen: NDArray[np.intp], observed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say (N, K) where between a beat and the one before lies neither a long gap nor a beat in one.

    ``unseen`` (N, K) are beats that fell into a gap, -1 where there is none.
    """
    time = np.arange(observed.shape[1], dtype=np.int32)
    last_seen = np.maximum.accumulate(np.where(observed, time, np.int32(-1)), axis=1)
    breaks = np.zeros((len(index), observed.shape[1] + 1), np.int32)
    breaks[:, 1:] = time - last_seen >= _LONG_GAP
    row, beat = np.nonzero(unseen >= 0)
    breaks[row, unseen[row, beat] + 1] = 1
    so_far = breaks.cumsum(axis=1)
    until = np.take_along_axis(so_far, np.maximum(index, 0).astype(np.intp), axis=1)
    through = np.ones(index.shape, np.bool_)
    through[:, 1:] = until[:, 1:] == until[:, :-1]
    return through
