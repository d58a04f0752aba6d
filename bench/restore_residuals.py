"""Truth minus estimate on people not fitted on: the quantiles that intervals are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.restore_cases import SNR_RANGE_DB, batch_of, random_gaps, with_noise
from bench.restore_population import levels_of, own_beat
from ops.judge.windows import Windows, others_of
from ops.restore import denoise, impute, translate
from ops.restore.classical import CELLS, estimate_batch, estimate_from
from ops.restore.estimate import MEASURED, Estimate
from ops.restore.fiducials import beat_times
from ops.restore.tables import Tables
from ops.restored import read_pressures
from schemas.modality import Modality
from schemas.restoration import PRESSURES, RestoreBatch, Task

F64 = NDArray[np.float64]

WINDOW_CELLS: Final[dict[Task, tuple[int, ...]]] = {
    "impute": impute.WINDOW_CELLS,
    "denoise": denoise.WINDOW_CELLS,
    "translate": translate.WINDOW_CELLS,
}
QUANTILES: Final = (0.05, 0.95)
"""Of truth minus estimate: a 90 % interval."""

_FEWEST_SAMPLES: Final = 2000
_FEWEST_WINDOWS: Final = 60


@dataclass(frozen=True)
class Case:
    """A batch with its (N, T) truth; ``blind`` where it is to be restored without any beat."""

    batch: RestoreBatch
    truth: F64
    blind: bool = False

    def estimate(self, tables: Tables) -> Estimate:
        """Restore it."""
        if not self.blind:
            return estimate_batch(self.batch, tables)
        n = len(self.truth)
        return estimate_from(self.batch, [np.zeros(0)] * n, [{}] * n, tables)


def cases(
    windows: Windows, task: Task, target: Modality, rng: np.random.Generator
) -> Iterator[Case]:
    """Make the cases of a task: with all other modalities, with none, and without a beat."""
    for conditions, blind in ((others_of(target), False), ((), False), ((), True)):
        kept = windows.fit_for(target, *conditions)
        x = kept.signals[target]
        truth = x.astype(np.float64)
        if task == "impute":
            x = random_gaps(x, rng)
        elif task == "denoise":
            x = with_noise(x, rng.uniform(*SNR_RANGE_DB, len(x)), rng)
        else:
            truth = normal_scale(truth, target)
            x = np.full_like(x, np.nan)
        yield Case(batch_of(kept, task, target, conditions, x), truth, blind)


def normal_scale(x: F64, target: Modality) -> F64:
    """Bring ECG and PPG (N, T) to a beat from 0 to 1, NaN where no beat tells; ABP stays."""
    if target == "abp":
        return x
    scaled = np.full_like(x, np.nan)
    for i, times in enumerate(beat_times(x, target)):
        found = own_beat(x[i], times)
        low, high = levels_of(found[0], target) if found else (0.0, 0.0)
        if abs(high - low) > 1e-3:
            scaled[i] = (x[i] - low) / (high - low)
    return scaled


@dataclass(frozen=True)
class Errors:
    """Relative errors with their cells, and pressure errors (mmHg) with theirs."""

    error: F64
    cell: NDArray[np.int64]
    pressures: dict[str, F64]
    window_cell: NDArray[np.int64]


def errors_of(case: Case, estimate: Estimate) -> Errors:
    """Take what was estimated and not kept, where it spoke and the truth is known."""
    error = (case.truth - estimate.mean) / estimate.scale[:, None]
    told = np.isfinite(error) & (estimate.cell != MEASURED)
    spoken = np.asarray(np.isfinite(estimate.mean).all(axis=1))
    missed: dict[str, F64] = {}
    if case.batch.target == "abp":
        made = read_pressures(estimate.mean.astype(np.float32), spoken)
        true = read_pressures(case.truth.astype(np.float32), spoken)
        missed = {name: (true[name] - made[name]).astype(np.float64) for name in PRESSURES}
    return Errors(error[told], estimate.cell[told], missed, estimate.window_cell)


def measure(folds: list[tuple[list[Case], Tables]], task: Task, target: Modality) -> dict[str, Any]:
    """Measure the residuals of a task over folds of cases, each with tables not fitted on it."""
    errors = [errors_of(case, case.estimate(tables)) for fold, tables in folds for case in fold]
    bounds = quantiles(
        np.concatenate([e.error for e in errors]),
        np.concatenate([e.cell for e in errors]),
        CELLS[task],
        _FEWEST_SAMPLES,
    )
    window_cell = np.concatenate([e.window_cell for e in errors])
    missed = {
        name: np.concatenate([e.pressures[name] for e in errors])
        for name in (PRESSURES if target == "abp" else ())
    }
    return {
        "lower": bounds[:, 0].round(4).tolist(),
        "upper": bounds[:, 1].round(4).tolist(),
        "pressures": {
            name: quantiles(error, window_cell, WINDOW_CELLS[task], _FEWEST_WINDOWS)
            .round(2)
            .tolist()
            for name, error in missed.items()
        },
    }


def quantiles(error: F64, cell: NDArray[np.int64], shape: tuple[int, ...], fewest: int) -> F64:
    """Give (C, 2) bounds a cell; one with fewer than ``fewest`` errors shares its parents'.

    The parent of a cell is its row without the last axis, then without the last two, and so on.
    """
    known = np.isfinite(error)
    error, cell = error[known], cell[known]
    bounds = np.full((int(np.prod(shape)), 2), np.nan)
    for axes in range(len(shape), -1, -1):
        below = int(np.prod(shape[axes:]))
        for parent in range(len(bounds) // below):
            rows = slice(parent * below, (parent + 1) * below)
            unset = np.isnan(bounds[rows, 0])
            inside = error[cell // below == parent] if unset.any() else error[:0]
            if inside.size >= (fewest if axes else 1):
                bounds[rows][unset] = np.quantile(inside, QUANTILES)
    return bounds
