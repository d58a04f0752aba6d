"""All indexes of one modality's windows.

================================  =======================================  ====================
index                             says                                     source
================================  =======================================  ====================
missing                           share of samples not measured            -
flat                              1 where 0.92 s hold one level            Silva et al. 2011
rail                              share of samples at the own extremes     Silva et al. 2011
outside, amplitude                share out of range; 2-98 % range         Silva et al. 2011
slew                              largest change between samples           Sun et al. 2006
skewness, kurtosis                sSQI, kSQI; pulses: S_SQI, K_SQI         Clifford 2012; Elgendi
qrs_ratio, baseline_ratio         pSQI, basSQI                             Clifford 2012
pulse_ratio, rough_ratio          power of the pulse; of what is above it  Elgendi 2016
beats, heart_rate, longest_gap_s  of ``ops.beats``                         see there
template_correlation              median likeness of beats to their mean   Orphanidou 2015
beat_snr_db                       mean beat over what beats leave of it    as ``nst`` has it
quiet_snr_db                      QRS over the quieter stretches (ECG)     as ``nst`` has it
sbp, dbp, map                     pressures off the beats (ABP)            Zong et al. 2003
upstroke, unsteady, flush, air    damping, steps, flush, zeroing (ABP)     ``ops.grade.pressure``
================================  =======================================  ====================

Shapes: N windows, T samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import Beats, band_pass, detect_beats, fill_gaps, heart_rate, pulse_polarity
from ops.grade import pressure, shape, spectrum, templates
from schemas.grid import GRID_FS
from schemas.modality import Modality

Rows = NDArray[np.float32]

_BEAT_BANDS_HZ: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (0.7, 40.0),
    "ppg": (0.5, 20.0),
    "abp": (0.5, 20.0),
}
_QUIET_BAND_HZ: Final = (2.0, 40.0)
_RANGES: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (-10.0, 10.0),
    "abp": (10.0, 300.0),
    "ppg": (-np.inf, np.inf),
}
"""mV around the window's level (an electrode has an offset of its own); mmHg; anything."""
IN_MMHG: Final = frozenset({"sbp", "dbp", "map", "unsteady", "flush", "air"})
"""Indexes that mean nothing where ABP is uncalibrated."""

_REACH_EXPONENT: Final = 24
"""Rows beyond 2 to this power are brought down to it: fourth powers of them overflow float32."""


def modality_indexes(windows: Rows, modality: Modality, step: Rows) -> dict[str, Rows]:
    """Compute the indexes of ``windows`` (N, T), NaN missing, none of them empty.

    ``step`` (N,) is the quantisation step, NaN where unknown. An index that can't be told is NaN.
    Of a row beyond ``2**24`` in its unit, those in that unit are told smaller than they are.
    """
    windows, step = _within_reach(windows, step)
    rows, observed = fill_gaps(windows)
    beats = detect_beats(windows, modality)
    columns = _sample_indexes(rows, observed, modality, step)
    columns |= _spectral_indexes(rows, modality)
    columns |= _beat_indexes(rows, observed, beats, modality)
    if modality == "abp":
        columns |= _pressure_indexes(rows, beats)
    return columns


def _within_reach(windows: Rows, step: Rows) -> tuple[Rows, Rows]:
    """Divide rows that are too large, and their steps, by a power of two, which is exact.

    Counts without a unit may be as large as a format or a header allows; what they look like does
    not depend on it, and what is out of range in a unit still is.
    """
    largest = np.where(np.isfinite(windows), np.abs(windows), np.float32(0)).max(axis=1)
    excess = np.minimum(_REACH_EXPONENT - np.frexp(largest)[1], 0)
    if not excess.any():
        return windows, step
    return np.ldexp(windows, excess[:, None]), np.ldexp(step, excess)


def _sample_indexes(
    rows: Rows, observed: NDArray[np.bool_], modality: Modality, step: Rows
) -> dict[str, Rows]:
    equal = shape.tolerance(rows, step)
    bridged = np.where(observed, rows, _alternating(rows))
    span = shape.amplitude(rows)
    level = np.median(rows, axis=1, keepdims=True) if modality == "ecg" else np.float32(0)
    skewness, kurtosis = shape.skewness_and_kurtosis(rows)
    polarity = pulse_polarity(rows) if modality == "ppg" else np.float32(1)
    return {
        "missing": (1 - observed.mean(axis=1)).astype(np.float32),
        "flat": (shape.least_range(bridged, shape.FLAT_SAMPLES) <= equal).astype(np.float32),
        "rail": shape.rail_share(rows, observed, np.float32(0.5) * equal),
        "amplitude": span,
        "slew": shape.largest_slew(rows),
        "outside": shape.share_outside(rows - level, *_RANGES[modality]),
        "skewness": skewness * polarity,
        "kurtosis": kurtosis,
    }


def _alternating(rows: Rows) -> Rows:
    """Stand in for missing samples where flat stretches are looked for: never level."""
    top, bottom = rows.max(axis=1, keepdims=True), rows.min(axis=1, keepdims=True)
    even = np.arange(rows.shape[1]) % 2 == 0
    restless: Rows = np.where(even, top + 1, bottom - 1).astype(np.float32)
    return restless


def _spectral_indexes(rows: Rows, modality: Modality) -> dict[str, Rows]:
    power = spectrum.power(rows)
    if modality == "ecg":
        return {
            "qrs_ratio": spectrum.qrs_ratio(power),
            "baseline_ratio": spectrum.baseline_ratio(power),
            "rough_ratio": spectrum.rough_ratio(power, 40),
        }
    return {
        "pulse_ratio": spectrum.pulse_ratio(power),
        "rough_ratio": spectrum.rough_ratio(power, 10),
    }


def _beat_indexes(
    rows: Rows, observed: NDArray[np.bool_], beats: Beats, modality: Modality
) -> dict[str, Rows]:
    passed = band_pass(rows, *_BEAT_BANDS_HZ[modality])
    alike = templates.likeness(passed, observed, beats, modality)
    quiet: dict[str, Rows] = {}
    if modality == "ecg":
        quiet["quiet_snr_db"] = templates.quiet_snr_db(band_pass(rows, *_QUIET_BAND_HZ), beats)
    return quiet | {
        "beats": beats.count.astype(np.float32),
        "heart_rate": heart_rate(beats),
        "longest_gap_s": _longest_gap_s(beats, rows.shape[1]),
        "template_correlation": alike.correlation,
        "beat_snr_db": alike.snr_db,
    }


def _longest_gap_s(beats: Beats, samples: int) -> Rows:
    """Give (N,) the longest time without a beat, the window's ends included."""
    row = np.arange(len(beats.count))
    at = np.concatenate([np.zeros((len(row), 1)), beats.index], axis=1).astype(np.float32)
    last = at[row, beats.count]
    longest = np.maximum(np.diff(at, axis=1).max(axis=1), samples - last)
    return np.asarray(longest / np.float32(GRID_FS), np.float32)


def _pressure_indexes(rows: Rows, beats: Beats) -> dict[str, Rows]:
    told = pressure.pressures(rows, beats)
    low, high = pressure.AIR_MMHG
    return {
        "sbp": told.sbp,
        "dbp": told.dbp,
        "map": told.map,
        "upstroke": told.upstroke,
        "unsteady": told.unsteady,
        "flush": (rows > pressure.FLUSH_MMHG).mean(axis=1).astype(np.float32),
        "air": ((rows > low) & (rows < high)).mean(axis=1).astype(np.float32),
    }
