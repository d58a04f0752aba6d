"""Whether the beats of a restored signal are those of the true one, and when.

Shapes: N windows, T = 500 samples each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import detect_beats, heart_rate
from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import Modality
from schemas.restoration import F32

F64 = NDArray[np.float64]

TOLERANCES_MS: Final = (50, 150)


@dataclass(frozen=True)
class BeatTimes:
    """What the beat detector says of N windows.

    Attributes:
        times: rising times of R or systolic peaks in samples, a window.
        rate: (N,) beats/min, NaN where unknown.
    """

    times: list[F64]
    rate: F32


def find_beats(x: F32, target: Modality) -> BeatTimes:
    """Detect the beats of ``x`` (N, T); a window of NaN has none."""
    beats = detect_beats(x, target)
    times = [row[row >= 0].astype(np.float64) for row in beats.index]
    return BeatTimes(times, heart_rate(beats))


def matches(found: F64, true: F64, tolerance: float) -> list[tuple[int, int]]:
    """Pair rising times of ``found`` and ``true`` within ``tolerance``, each at most once."""
    pairs, i, j = [], 0, 0
    while i < found.size and j < true.size:
        if abs(found[i] - true[j]) <= tolerance:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return pairs


def f1_of(found: F64, true: F64, tolerance: float) -> float:
    """Give F1 of the beats ``found``; NaN where neither side has one.

    A beat within the tolerance of the window's ends counts only where it has a partner: that may
    lie outside.
    """
    pairs = matches(found, true, tolerance)
    strangers = _inside(np.delete(found, [i for i, _ in pairs]), tolerance)
    missed = _inside(np.delete(true, [j for _, j in pairs]), tolerance)
    total = 2 * len(pairs) + strangers + missed
    return 2 * len(pairs) / total if total else float("nan")


def _inside(times: F64, tolerance: float) -> int:
    return int(((times >= tolerance) & (times < WINDOW_SAMPLES - tolerance)).sum())


def timing_error_ms(found: F64, true: F64) -> float:
    """Give the median distance of beats paired within 150 ms, NaN without a pair."""
    pairs = matches(found, true, _samples(TOLERANCES_MS[-1]))
    if not pairs:
        return float("nan")
    return float(np.median([abs(found[i] - true[j]) for i, j in pairs])) * 1000 / GRID_FS


def beat_measures(found: BeatTimes, true: BeatTimes, spoken: NDArray[np.bool_]) -> dict[str, F64]:
    """Measure (N,) F1, timing and heart rate; NaN where it is not ``spoken`` on."""
    pairs = list(zip(found.times, true.times, strict=True))
    measures = {
        f"f1_{ms}": np.array([f1_of(a, b, _samples(ms)) for a, b in pairs]) for ms in TOLERANCES_MS
    }
    measures["timing_ms"] = np.array([timing_error_ms(a, b) for a, b in pairs])
    measures["hr_error"] = rate_error(found.rate, true.rate)
    return {name: np.where(spoken, values, np.nan) for name, values in measures.items()}


def rate_error(found: F32, true: F32) -> F64:
    """Give (N,) the absolute difference of heart rates in beats/min, NaN where one is unknown."""
    return np.abs(found.astype(np.float64) - true)


def _samples(ms: float) -> float:
    return ms * GRID_FS / 1000
