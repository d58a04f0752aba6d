"""A signal that is not there: the population's beat at the window's heart rate.

Shapes: B windows, T samples each, P phases.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock, beat_clock
from ops.restore.estimate import Estimate
from ops.restore.placing import unbroken_period
from ops.restore.tables import Population
from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality

F64 = NDArray[np.float64]

HR_EDGES: Final = (60.0, 75.0, 90.0, 105.0)
"""Heart-rate classes of the population's beat, in beats/min."""

PHASES: Final = 64
"""Points of the population's beat."""

_PHASE_CLASSES: Final = 16
CELLS: Final = (1 + len(MODALITIES), _PHASE_CLASSES)
"""Classes: phase unknown, or from which condition's beats, and phase."""

WINDOW_CELLS: Final = CELLS[:1]


def translate(guests: list[dict[Modality, F64]], hr: F64, population: Population) -> Estimate:
    """Make (B, T) from the beat times of the ``guests``, the conditions, a window.

    Where none has, beats stand at ``hr`` (B,) from phase 0; where that is unknown too, the window
    comes back as NaN. Pressures follow heart rate alone.
    """
    n = len(hr)
    mean = np.full((n, WINDOW_SAMPLES), np.nan)
    cell = np.zeros((n, WINDOW_SAMPLES), dtype=np.int64)
    placed = np.zeros(n, dtype=np.int64)
    for i in range(n):
        clock, placed[i] = _place(guests[i], float(hr[i]), population)
        if clock is not None:
            mean[i], cell[i] = _draw(clock, int(placed[i]), population)
    return Estimate(mean, np.ones(n), cell, placed)


def _place(
    guests: dict[Modality, F64], hr: float, population: Population
) -> tuple[BeatClock | None, int]:
    period = 60.0 * GRID_FS / hr if hr > 0 else float("nan")
    for modality, delay in population.delay.items():
        times = guests.get(modality, np.zeros(0))
        own = unbroken_period(times)
        clock = beat_clock(times + delay, own if own > 0 else period)
        if clock is not None:
            return clock, 1 + MODALITIES.index(modality)
    return beat_clock(np.zeros(1), period), 0


def _draw(clock: BeatClock, placed: int, population: Population) -> tuple[F64, NDArray[np.int64]]:
    count = clock.count_at(np.arange(WINDOW_SAMPLES, dtype=np.float64))
    phase = count - np.floor(count)
    hr = 60.0 * GRID_FS / clock.period
    shape = population.shape[np.digitize(hr, HR_EDGES)]
    around = np.append(shape, shape[0])
    beat = np.interp(phase * PHASES, np.arange(PHASES + 1), around)
    low, high = (level_at(population, name, hr) for name in ("dbp", "sbp"))
    classes = np.minimum((phase * _PHASE_CLASSES).astype(np.int64), _PHASE_CLASSES - 1)
    return low + (high - low) * beat, placed * _PHASE_CLASSES + classes


def level_at(population: Population, name: str, hr: float) -> float:
    """Give the level that the population has at ``hr`` (beats/min), held beyond 40 and 160."""
    intercept, slope = population.levels[name]
    return intercept + slope * min(max(hr, 40.0), 160.0)
