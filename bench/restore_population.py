"""The mean beat of the training groups, its delay behind other modalities, and its pressures."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.windows import Windows, others_of
from ops.restore.beat_clock import beat_clock, beat_period
from ops.restore.estimate import F64
from ops.restore.fiducials import beat_times
from ops.restore.template import fold_onto
from ops.restore.translate import HR_EDGES, PHASES
from schemas.grid import GRID_FS
from schemas.modality import MODALITIES, Modality

_ORDER: Final[tuple[Modality, ...]] = ("ecg", "abp", "ppg")
"""R peak, then the arterial foot, then the foot at the finger as the monitor delays it."""

_MOST_DELAY: Final = 0.6 * GRID_FS


def own_beat(x: F64, times: F64) -> tuple[F64, float] | None:
    """Give the window's median beat over phase and its period; null where it shows no two beats."""
    period = beat_period(times, np.ones(max(times.size - 1, 0), dtype=np.bool_))
    clock = beat_clock(times, period)
    if clock is None:
        return None
    beat = fold_onto(x, clock, np.arange(PHASES) / PHASES)
    return (beat, period) if np.isfinite(beat).all() else None


def levels_of(beat: F64, modality: Modality) -> tuple[float, float]:
    """Give what 0 and 1 of a normal beat stand for: foot and peak; ECG: median and R peak."""
    if modality == "ecg":
        return float(np.median(beat)), float(beat[0])
    return float(beat[0]), float(beat.max())


def fit_population(windows: Windows, target: Modality) -> dict[str, Any]:
    """Fit shape, delays and levels; every group weighs the same."""
    times = {m: beat_times(windows.signals[m].astype(np.float64), m) for m in MODALITIES}
    beats, rates, levels, groups = [], [], [], []
    for i, x in enumerate(windows.signals[target].astype(np.float64)):
        found = own_beat(x, times[target][i])
        if found is None:
            continue
        low, high = levels_of(found[0], target)
        if abs(high - low) < 1e-3:
            continue
        beats.append((found[0] - low) / (high - low))
        rates.append(60 * GRID_FS / found[1])
        levels.append((low, high))
        groups.append(windows.groups[i])
    hr, weight = np.array(rates), _weights(np.array(groups))
    return {
        "shape": _shapes(np.array(beats), hr, weight).round(4).tolist(),
        "delay": {m: _delay(times, windows.groups, target, m) for m in others_of(target)},
        "levels": _levels(np.array(levels), hr, weight, target),
    }


def _weights(groups: NDArray[np.str_]) -> F64:
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1.0 / counts[inverse]


def _shapes(beats: F64, hr: F64, weight: F64) -> F64:
    classes = np.digitize(hr, HR_EDGES)
    sane = np.abs(beats).max(axis=1) < 3
    return np.stack(
        [
            np.average(beats[rows], axis=0, weights=weight[rows])
            for rows in (sane & (classes == k) for k in range(len(HR_EDGES) + 1))
        ]
    )


def _levels(levels: F64, hr: F64, weight: F64, target: Modality) -> dict[str, list[float]]:
    if target != "abp":
        return {"dbp": [0.0, 0.0], "sbp": [1.0, 0.0]}
    design = np.stack([np.ones_like(hr), np.clip(hr, 40, 160)], axis=1) * np.sqrt(weight)[:, None]
    fitted = [np.linalg.lstsq(design, level * np.sqrt(weight), rcond=None)[0] for level in levels.T]
    return {name: line.round(4).tolist() for name, line in zip(("dbp", "sbp"), fitted, strict=True)}


def _delay(
    times: dict[Modality, list[F64]], groups: NDArray[np.str_], target: Modality, other: Modality
) -> float:
    """Measure by how many samples the target's beats follow the other's (before it: negative)."""
    first, second = sorted((target, other), key=_ORDER.index)
    lags: dict[str, list[float]] = {}
    for group, early, late in zip(groups, times[first], times[second], strict=True):
        lag = late[:, None] - early[None, :]
        close = np.where(lag > 0, lag, np.inf).min(axis=1, initial=np.inf)
        lags.setdefault(str(group), []).extend(close[close <= _MOST_DELAY])
    typical = float(np.median([np.median(of_group) for of_group in lags.values() if of_group]))
    return typical if target == second else -typical
