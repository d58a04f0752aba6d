"""Every figure of what one method made of one case, averaged over groups.

Shapes: N windows, T = 500 samples each.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops.judge.beat_measures import BeatTimes, beat_measures, find_beats, rate_error
from ops.judge.cases import Posed
from ops.judge.groups import group_mean
from ops.judge.noise import noise_power, qrs_power
from ops.judge.pressure_measures import interval_measures, pressure_measures
from ops.judge.rows import whole
from ops.judge.running import LEVELS
from ops.judge.signal_measures import (
    aligned_correlation,
    correlation,
    decibels,
    kolmogorov_smirnov,
    made_samples,
    mean_over,
    paper_scale,
    root_mean_square,
    scale_to_truth,
)
from ops.restored import read_pressures
from schemas.modality import MODALITIES
from schemas.restoration import F32, Restored

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What is known of a posed case whatever the method, so that it is found once.

    Attributes:
        beats: of the clean target.
        pressures: (N,) of the clean target in mmHg; none where it is not ABP.
        other_rate: (N,) heart rate by the best other modality, in beats/min.
    """

    beats: BeatTimes
    pressures: dict[str, F32]
    other_rate: F32


def know(posed: Posed) -> Known:
    """Find beats, pressures and another modality's heart rate of the clean windows."""
    target, n = posed.case.target, len(posed.windows)
    other = np.full(n, np.nan, np.float32)
    for m in MODALITIES:
        if m != target:
            other = np.where(np.isfinite(other), other, posed.windows.rates[m])
    everywhere = np.ones(n, np.bool_)
    pressures = read_pressures(posed.truth, everywhere) if target == "abp" else {}
    return Known(find_beats(posed.truth, target), pressures, other)


def score(
    posed: Posed, known: Known, restored: Restored, bands: dict[int, Restored]
) -> dict[str, Any]:
    """Measure what a method made of a posed case; every figure is null where nothing tells."""
    groups = posed.windows.groups
    windows = signal_figures(posed, known, restored)
    return {
        "answered": int(whole(restored.mean).sum()),
        **{name: group_mean(values, groups).told() for name, values in windows.items()},
        "bands": {str(level): _band_figures(posed, bands.get(level)) for level in LEVELS},
        "pressures": {
            name: {
                **pressure_measures(restored.pressures[name].value, true, groups),
                "intervals": {
                    str(level): _interval_figures(bands.get(level), name, true, groups)
                    for level in LEVELS
                },
            }
            for name, true in known.pressures.items()
            if name in restored.pressures
        },
    }


def signal_figures(posed: Posed, known: Known, restored: Restored) -> dict[str, F64]:
    """Measure (N,) every figure of the signal itself, window by window."""
    case, made = posed.case, made_samples(posed.batch)
    factor, offset = _onto_truth(posed, restored.mean)
    y = restored.mean * factor + offset
    middle, unit = paper_scale(posed.truth, case.target)
    error, truth = (y - posed.truth) / unit, (posed.truth - middle) / unit
    figures = {
        "rmse": root_mean_square(error, made),
        "mae": mean_over(np.abs(error), made),
        "ks": kolmogorov_smirnov((y - middle) / unit, truth, made),
        "correlation": correlation(y, posed.truth.astype(np.float64), made),
    }
    if case.task == "translate":
        figures["correlation_aligned"] = aligned_correlation(y, posed.truth.astype(np.float64))
    if case.task == "denoise":
        figures |= _noise_figures(posed, y)
    found = find_beats(restored.mean, case.target)
    figures |= beat_measures(found, known.beats, whole(restored.mean))
    return figures | {"hr_error_other": rate_error(found.rate, known.other_rate)}


def _noise_figures(posed: Posed, y: F64) -> dict[str, F64]:
    """Give the gain in dB of the error's power; for ECG also the ratios that ``nst`` would say."""
    x = posed.batch.signals[posed.case.target]
    before, after = x.astype(np.float64) - posed.truth, y - posed.truth
    gain = decibels((before**2).mean(axis=1), (after**2).mean(axis=1))
    if posed.case.target != "ecg":
        return {"snr_gain_db": gain}
    power = qrs_power(posed.truth)
    return {
        "snr_gain_db": gain,
        "snr_nst_in_db": decibels(power, noise_power(before)),
        "snr_nst_out_db": decibels(power, noise_power(after)),
    }


def _onto_truth(posed: Posed, mean: F32) -> tuple[F64, F64]:
    """Give factor and offset: as it is, but for ECG and PPG that are made from nothing."""
    if posed.case.task == "translate" and posed.case.target != "abp":
        return scale_to_truth(mean, posed.truth)
    return np.ones((len(mean), 1)), np.zeros((len(mean), 1))


def _band_figures(posed: Posed, band: Restored | None) -> dict[str, Any] | None:
    """Give coverage and mean width, in the paper's units, of the samples that were made."""
    if band is None or not np.isfinite(band.lower).any():
        return None
    made = made_samples(posed.batch)
    factor, offset = _onto_truth(posed, band.mean)
    lower, upper = band.lower * factor + offset, band.upper * factor + offset
    told = np.isfinite(lower) & np.isfinite(upper)
    inside = np.where(told, (lower <= posed.truth) & (posed.truth <= upper), np.nan)
    width = (upper - lower) / paper_scale(posed.truth, posed.case.target)[1]
    groups = posed.windows.groups
    return {
        "coverage": group_mean(mean_over(inside, made), groups).told(),
        "width": group_mean(mean_over(width, made), groups).told(),
    }


def _interval_figures(
    band: Restored | None, name: str, true: F32, groups: NDArray[np.str_]
) -> dict[str, Any] | None:
    if band is None or not np.isfinite(band.pressures[name].lower).any():
        return None
    interval = band.pressures[name]
    return interval_measures(interval.lower, interval.upper, true, groups)


def functional_check(posed: Posed, known: Known) -> dict[str, Any] | None:
    """Judge heart rate and beats of the clean and the corrupted target as a method's are judged.

    The heart rate is held against that of another modality of the same window, so that the clean
    signal has an error too; beats against the clean signal's. Null where the target is absent.
    """
    if posed.case.task == "translate":
        return None
    groups = posed.windows.groups
    everywhere = np.ones(len(groups), np.bool_)
    corrupted = find_beats(posed.batch.signals[posed.case.target], posed.case.target)
    return {
        name: {
            key: group_mean(values, groups).told()
            for key, values in {
                **beat_measures(beats, known.beats, everywhere),
                "hr_error_other": rate_error(beats.rate, known.other_rate),
            }.items()
        }
        for name, beats in {"clean": known.beats, "corrupted": corrupted}.items()
    }
