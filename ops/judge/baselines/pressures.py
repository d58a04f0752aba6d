"""Pressures without a curve: the population's, the patient's own, and the last cuff's.

Shapes: B windows, N windows that are learned from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops.judge.baselines.plain import Plain, bandless
from ops.judge.windows import Windows
from ops.restored import read_pressures
from schemas.grid import WINDOW_SAMPLES
from schemas.restoration import F32, PRESSURES, Cuff, Interval, RestoreBatch, Restored

Guess = Callable[[RestoreBatch], dict[str, F32]]


def _nothing(batch: RestoreBatch) -> dict[str, F32]:
    return {name: np.full(len(batch.seeds), np.nan, np.float32) for name in PRESSURES}


@dataclass(frozen=True, kw_only=True)
class Level(Plain):
    """A method that says pressures and no signal.

    Attributes:
        guess: gives the (B,) pressures of a batch in mmHg.
    """

    guess: Guess

    def restore(self, batch: RestoreBatch) -> Restored:
        """Say the pressures; the signal is NaN."""
        mean = np.full((len(batch.seeds), WINDOW_SAMPLES), np.nan, np.float32)
        return bandless(mean, self.guess(batch))


@dataclass(frozen=True, kw_only=True)
class Population(Plain):
    """The mean of many people, and intervals that are the quantiles over them.

    Attributes:
        known: (N,) pressures of the people learned from, in mmHg, none of them NaN.
    """

    known: dict[str, F32]

    def restore(self, batch: RestoreBatch) -> Restored:
        """Say the same of every window."""
        return self.bands(batch, (0.9,))[0]

    def bands(self, batch: RestoreBatch, levels: Sequence[float]) -> list[Restored]:
        """Say the same of every window, with intervals of each of other levels."""
        return [self._at(batch, level) for level in levels]

    def _at(self, batch: RestoreBatch, level: float) -> Restored:
        n = len(batch.seeds)
        mean = np.full((n, WINDOW_SAMPLES), np.nan, np.float32)
        quantiles = ((1 - level) / 2, (1 + level) / 2)
        intervals = {}
        for name, values in self.known.items():
            figures = (values.mean(), *np.quantile(values, quantiles))
            intervals[name] = Interval(*(np.full(n, f, np.float32) for f in figures))
        return Restored(mean, mean, mean, intervals, ["absent"] * n)


def population(train: Windows) -> Population:
    """Learn the population's pressures from windows whose ABP is fit."""
    read = true_pressures(train.fit_for("abp"))
    known = {name: values[np.isfinite(values)] for name, values in read.items()}
    return Population("population mean", ("translate",), ("abp",), known=known)


def held_pressures(cuff: Cuff) -> dict[str, F32]:
    """Give a reading's (B,) pressures; its mean lies a third of the way from DBP to SBP."""
    mean = cuff.dbp + (cuff.sbp - cuff.dbp) / np.float32(3)
    return {"sbp": cuff.sbp, "dbp": cuff.dbp, "map": mean}


def last_cuff() -> Level:
    """Hold the cuff reading."""

    def held(batch: RestoreBatch) -> dict[str, F32]:
        if batch.cuff is None:
            return _nothing(batch)
        return held_pressures(batch.cuff)

    return Level("last cuff", ("translate",), ("abp",), guess=held)


def patient_mean(judged: Windows) -> Level:
    """Say the mean of the patient's *other* judged windows: no method can know it, an oracle."""
    kept = judged.fit_for("abp")
    truth = true_pressures(kept)
    means = {name: _mean_of_others(values, kept.groups) for name, values in truth.items()}
    row_of = {int(seed): i for i, seed in enumerate(kept.seeds)}

    def looked_up(batch: RestoreBatch) -> dict[str, F32]:
        rows = np.array([row_of.get(int(seed), -1) for seed in batch.seeds], np.int64)
        nothing = np.float32("nan")
        return {n: np.where(rows >= 0, values[rows], nothing) for n, values in means.items()}

    return Level("patient mean (oracle)", ("translate",), ("abp",), guess=looked_up)


def _mean_of_others(values: F32, groups: NDArray[np.str_]) -> F32:
    """Average (N,) within each group without the window itself; NaN where it has no other."""
    _, index = np.unique(groups, return_inverse=True)
    known = np.isfinite(values)
    held = np.where(known, values, 0).astype(np.float64)
    total, count = np.bincount(index, held)[index], np.bincount(index, known)[index]
    others = count - known
    return np.where(others > 0, (total - held) / np.maximum(others, 1), np.nan).astype(np.float32)


def true_pressures(windows: Windows) -> dict[str, F32]:
    """Read (N,) pressures off the measured ABP, in mmHg."""
    return read_pressures(windows.signals["abp"], np.ones(len(windows), np.bool_))
