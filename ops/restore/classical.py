"""The classical restorers behind the interface of ``schemas.restoration``.

Shapes: B windows, T = 500 samples each.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops import restored
from ops.restore import denoise as denoising
from ops.restore import impute as imputation
from ops.restore import translate as translation
from ops.restore.estimate import MEASURED, Estimate
from ops.restore.fiducials import beat_times
from ops.restore.tables import TABLES_PATH, Residuals, Tables, read_tables
from schemas.modality import Modality
from schemas.restoration import Interval, RestoreBatch, Restored, Task, Trained

F64 = NDArray[np.float64]

CELLS: Final[dict[Task, tuple[int, ...]]] = {
    "impute": imputation.CELLS,
    "denoise": denoising.CELLS,
    "translate": translation.CELLS,
}
"""The shape of each task's classes of residuals."""

_CODE: Final = (*sorted(Path(__file__).parent.glob("*.py")), *restored.CODE)


class ClassicalRestorer:
    """Interpolation, beat template, filters and the population's beat, one by task.

    A window's result depends on that window alone: floats are the same whatever the batch. A result
    is ``fair`` where its 90 % band is on average at most half its range wide over the samples that
    were made, else ``bad``; never ``good``. Where it abstains the row is NaN and ``absent``.
    """

    def __init__(self, tables_path: Path = TABLES_PATH) -> None:
        self._tables = read_tables(tables_path)
        _check_cells(self._tables, tables_path)
        self._sha256 = restored.hash_files((*_CODE, tables_path))

    @property
    def model_id(self) -> str:
        """Name and version."""
        return "classical-1"

    @property
    def model_sha256(self) -> str:
        """Hash of code and tables."""
        return self._sha256

    @property
    def sampler(self) -> str:
        """Nothing is drawn."""
        return "none"

    @property
    def steps(self) -> int:
        """No sampler, no steps."""
        return 0

    @property
    def n_samples(self) -> int:
        """One answer a window."""
        return 1

    @property
    def calibrates(self) -> bool:
        """It tells a population's pressure, whatever a cuff read."""
        return False

    @property
    def trained(self) -> Trained:
        """Its tables are of a population whose range they hold no account of."""
        return Trained()

    def can(self, task: Task, target: Modality) -> bool:
        """Say whether residuals were measured for this task and target."""
        return (task, target) in self._tables.residuals

    def restore(self, batch: RestoreBatch) -> Restored:
        """Make the target of every window.

        Raises:
            ValueError: where task and target are none that it ``can``.
        """
        if not self.can(batch.task, batch.target):
            message = f"classical-1 has no table for task {batch.task} of {batch.target}"
            raise ValueError(message)
        estimate = estimate_batch(batch, self._tables)
        residuals = self._tables.residuals[batch.task, batch.target]
        return _with_intervals(batch, estimate, residuals)


def _check_cells(tables: Tables, path: Path) -> None:
    """Refuse tables that were measured over other classes than the code's."""
    for (task, target), residuals in tables.residuals.items():
        expected = math.prod(CELLS[task])
        if residuals.lower.size != expected:
            message = (
                f"{path.name} must have {expected} cells for task {task} of {target}, "
                f"got {residuals.lower.size}; python -m bench.restore_fit measures them again"
            )
            raise ValueError(message)


def estimate_batch(batch: RestoreBatch, tables: Tables) -> Estimate:
    """Run the step that the task asks for, at the beats of the target and its conditions."""
    target = batch.target
    found = {m: beat_times(_known(batch.signals[m]), m) for m in batch.conditions if m != target}
    own = beat_times(_known(batch.signals[target]), target)
    guests = [{m: times[i] for m, times in found.items()} for i in range(len(own))]
    return estimate_from(batch, own, guests, tables)


def estimate_from(
    batch: RestoreBatch, own: list[F64], guests: list[dict[Modality, F64]], tables: Tables
) -> Estimate:
    """Run the step at given beat times a window: the target's ``own`` and each condition's."""
    target, x, hr = batch.target, _known(batch.signals[batch.target]), batch.hr.astype(np.float64)
    if batch.task == "translate":
        return translation.translate(guests, hr, tables.population[target])
    if batch.task == "impute":
        return imputation.impute(x, own, guests, hr, tables.impute[target])
    return denoising.denoise(x, own, guests, target, tables.denoise[target])


def _known(x: NDArray[np.float32]) -> F64:
    return np.where(np.isfinite(x), x.astype(np.float64), np.nan)


def _with_intervals(batch: RestoreBatch, estimate: Estimate, residuals: Residuals) -> Restored:
    kept = estimate.cell == MEASURED
    scale = estimate.scale[:, None]
    below = np.where(kept, 0.0, np.minimum(residuals.lower[estimate.cell], 0.0) * scale)
    above = np.where(kept, 0.0, np.maximum(residuals.upper[estimate.cell], 0.0) * scale)
    mean = estimate.mean.astype(np.float32)
    spoken = np.asarray(np.isfinite(mean).all(axis=1))
    return Restored(
        mean=mean,
        lower=np.where(kept, mean, (estimate.mean + below).astype(np.float32)),
        upper=np.where(kept, mean, (estimate.mean + above).astype(np.float32)),
        pressures=_pressure_intervals(mean, spoken, estimate.window_cell, residuals)
        if batch.target == "abp"
        else {},
        grade=restored.grades(estimate.mean, above - below, kept),
    )


def _pressure_intervals(
    mean: NDArray[np.float32],
    spoken: NDArray[np.bool_],
    window_cell: NDArray[np.int64],
    residuals: Residuals,
) -> dict[str, Interval]:
    intervals = {}
    for name, value in restored.read_pressures(mean, spoken).items():
        bounds = residuals.pressures[name][window_cell].astype(np.float32)
        lower = value + np.minimum(bounds[:, 0], 0)
        intervals[name] = Interval(value, lower, value + np.maximum(bounds[:, 1], 0))
    return intervals
