"""A window's beats as a clock: which beat a moment belongs to, and how far into it.

Times are samples on the grid from the window's first; they may be fractional and lie outside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.grid import WINDOW_SAMPLES

F64 = NDArray[np.float64]

MIN_PERIOD: Final = 31.0
"""240 beats/min."""

MAX_PERIOD: Final = 375.0
"""20 beats/min."""

_MAX_DELAY_SPREAD: Final = 10.0
"""80 ms: beats of two modalities that scatter more than this are not the same beats."""


@dataclass(frozen=True)
class BeatClock:
    """A count that is whole at every beat and linear between them.

    Attributes:
        times: beat times in samples, rising; one far beat is added beyond each end.
        counts: the count at each of them.
        period: the typical beat, in samples.
    """

    times: F64
    counts: F64
    period: float

    def count_at(self, times: F64) -> F64:
        """Give the count at ``times``; its fraction is the phase."""
        return np.interp(times, self.times, self.counts)

    def time_of(self, counts: F64) -> F64:
        """Give the times of ``counts``."""
        return np.interp(counts, self.counts, self.times)


def beat_clock(beats: F64, period: float) -> BeatClock | None:
    """Build the clock of rising ``beats``; where two lie periods apart, beats are put between.

    Returns:
        None where there is no beat, or no plausible period.
    """
    if beats.size == 0 or not MIN_PERIOD <= period <= MAX_PERIOD:
        return None
    steps = np.maximum(1.0, np.round(np.diff(beats) / period))
    counts = np.concatenate([[0.0], np.cumsum(steps)])
    reach = 2.0 * WINDOW_SAMPLES
    ahead = np.ceil((reach + WINDOW_SAMPLES) / period)
    times = np.concatenate([[beats[0] - ahead * period], beats, [beats[-1] + ahead * period]])
    counts = np.concatenate([[-ahead], counts, [counts[-1] + ahead]])
    return BeatClock(times, counts, period)


def beat_period(beats: F64, unbroken: NDArray[np.bool_]) -> float:
    """Give the median interval of ``beats`` over pairs with nothing missing between, else NaN.

    ``unbroken`` says it for each pair.
    """
    intervals = np.diff(beats)[unbroken]
    return float(np.median(intervals)) if intervals.size else float("nan")


def delay_of(beats: F64, leading: F64) -> float | None:
    """Measure by how many samples ``beats`` follow ``leading``; null where they don't."""
    if beats.size == 0 or leading.size == 0:
        return None
    lags = beats[:, None] - leading[None, :]
    nearest = lags[np.arange(beats.size), np.abs(lags).argmin(axis=1)]
    preceding = np.where(lags >= 0, lags, np.inf).min(axis=1)
    preceding = preceding[np.isfinite(preceding)]
    best, best_spread = None, _MAX_DELAY_SPREAD
    for candidate in (nearest, preceding):
        if candidate.size == 0:
            continue
        middle = float(np.median(candidate))
        spread = float(np.median(np.abs(candidate - middle)))
        if spread < best_spread:
            best, best_spread = middle, spread
    return best


def merge_beats(own: F64, guests: F64, period: float) -> F64:
    """Add the ``guests`` that lie at least half a ``period`` from every beat of ``own``."""
    if own.size == 0:
        return guests
    if guests.size == 0:
        return own
    apart = np.abs(guests[:, None] - own[None, :]).min(axis=1) >= 0.5 * period
    return np.sort(np.concatenate([own, guests[apart]]))
