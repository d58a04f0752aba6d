"""A deterministic method behind the restorer's interface, made of one function.

Shapes: B windows, T = 500 samples each, M = 50 samples of margin, X = T + 2 M.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ops.judge.rows import whole
from ops.restored import CODE, hash_files, read_pressures
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32, Interval, RestoreBatch, Restored, Task, Trained

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Plain:
    """What every deterministic method says of itself.

    Attributes:
        model_id: its name.
        tasks: what it was made for.
        targets: the modalities that it makes.
    """

    model_id: str
    tasks: tuple[Task, ...]
    targets: tuple[Modality, ...] = MODALITIES

    @property
    def model_sha256(self) -> str:
        """Hash of the code of these methods."""
        return hash_files((*sorted(Path(__file__).parent.glob("*.py")), *CODE))

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
        """Some take what a batch has, none asks for it."""
        return False

    @property
    def trained(self) -> Trained:
        """Nothing that it would have to keep to."""
        return Trained()

    def can(self, task: Task, target: Modality) -> bool:
        """Say whether it was made for this task and target."""
        return task in self.tasks and target in self.targets


@dataclass(frozen=True, kw_only=True)
class Curve(Plain):
    """A method that draws one curve a window and knows no band.

    Attributes:
        draw: makes (B, X) of a batch: the target over the window and its margins.
    """

    draw: Callable[[RestoreBatch], F64]

    def restore(self, batch: RestoreBatch) -> Restored:
        """Draw every window; what was measured and is imputed around stays as it is."""
        x = batch.signals[batch.target]
        drawn = self.draw(batch)[:, MARGIN_SAMPLES : MARGIN_SAMPLES + WINDOW_SAMPLES]
        kept = np.isfinite(x) & (batch.task == "impute")
        mean: F32 = np.where(kept, x, drawn).astype(np.float32)
        pressures = read_pressures(mean, whole(mean)) if batch.target == "abp" else {}
        return bandless(mean, pressures)


def bandless(mean: F32, pressures: dict[str, F32]) -> Restored:
    """Say a curve (B, T) and pressures (B,) without a band or an interval."""
    nothing = np.full_like(mean, np.nan)
    return Restored(
        mean=mean,
        lower=nothing,
        upper=nothing,
        pressures={
            name: Interval(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
            for name, value in pressures.items()
        },
        grade=["bad" if said else "absent" for said in whole(mean)],
    )


def widened(batch: RestoreBatch) -> F64:
    """Give the target with its margins, (B, X), NaN where missing."""
    return batch.widened(batch.target).astype(np.float64)
