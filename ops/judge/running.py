"""Run a method on a batch, some windows at a time, by the clock, and ask for its bands."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

import numpy as np

from ops.judge.rows import join_rows, take_rows
from ops.restored import MOST
from schemas.restoration import F32, Interval, RestoreBatch, Restored, Restorer

BATCH: Final = 256
"""Windows that a method is given at once."""

LEVELS: Final = (50, 80, 90)
"""Percent; that of ``Restored`` is the last."""


@runtime_checkable
class Banded(Protocol):
    """A restorer that can say its band at other levels."""

    def bands(self, batch: RestoreBatch, levels: Sequence[float]) -> list[Restored]:
        """Give ``restore`` with the band and intervals of each of other levels, as 0.5."""


def parts_of(batch: RestoreBatch) -> list[RestoreBatch]:
    """Cut a batch into parts of ``BATCH`` windows at most."""
    starts = range(0, len(batch.seeds), BATCH)
    return [take_rows(batch, slice(start, start + BATCH)) for start in starts]


def run(restorer: Restorer, batch: RestoreBatch) -> tuple[Restored, float]:
    """Restore a batch, some windows at a time; give the seconds that it took."""
    start = time.perf_counter()
    parts = [restorer.restore(part) for part in parts_of(batch)]
    seconds = time.perf_counter() - start
    return _believed(join_rows(parts)), seconds


def bands_of(restorer: Restorer, batch: RestoreBatch, restored: Restored) -> dict[int, Restored]:
    """Give the bands that a method can tell, by level in percent."""
    bands = {LEVELS[-1]: restored}
    if isinstance(restorer, Banded):
        others = LEVELS[:-1]
        shares = [level / 100 for level in others]
        parts = [restorer.bands(part, shares) for part in parts_of(batch)]
        for level, told in zip(others, zip(*parts, strict=True), strict=True):
            bands[level] = _believed(join_rows(told))
    return bands


def _believed(restored: Restored) -> Restored:
    """Take what is no signal in any unit for nothing said.

    A window with a sample that is not finite, or beyond ``MOST``, is one that was abstained from.
    """
    spoken = np.asarray((np.abs(restored.mean) <= MOST).all(axis=1))[:, None]
    lower, mean, upper = (
        np.where(spoken, _within(x), np.float32("nan"))
        for x in (restored.lower, restored.mean, restored.upper)
    )
    pressures = {
        name: Interval(_within(one.value), _within(one.lower), _within(one.upper))
        for name, one in restored.pressures.items()
    }
    return replace(restored, mean=mean, lower=lower, upper=upper, pressures=pressures)


def _within(x: F32) -> F32:
    return np.where(np.abs(x) <= MOST, x, np.float32("nan"))
