"""Every group counts alike, whatever it has of windows; and how sure a mean over groups is.

Shapes: N windows, G groups.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

RESAMPLES: Final = 2000
_SEED: Final = 2025
_BOUNDS: Final = (0.025, 0.975)

LEAST_GROUPS: Final = 6
"""Fewer have no 95 % interval.

A bootstrap over G groups gives nothing beyond the least and the greatest of them, and of what lies
alike to either side even that whole range holds the middle with 1 - 2 ** (1 - G) only: 94 % of 5.
"""


@dataclass(frozen=True)
class GroupMean:
    """A mean over groups; every figure is null where no window tells, bounds of few groups too.

    Attributes:
        mean: mean over groups of each group's mean.
        low: lower bound of its 95 % interval, by bootstrap over ``LEAST_GROUPS`` or more.
        high: upper bound.
        over_windows: mean over windows, as a paper that splits by window has it.
        median: median over windows.
        groups: groups with at least one window that tells.
        windows: windows that tell.
    """

    mean: float | None
    low: float | None
    high: float | None
    over_windows: float | None
    median: float | None
    groups: int
    windows: int

    def told(self) -> dict[str, float | int | None]:
        """Give it as JSON does."""
        return asdict(self)


def group_mean(values: NDArray[np.floating], groups: NDArray[np.str_]) -> GroupMean:
    """Average (N,) ``values`` of windows in ``groups`` (N,); what is not finite doesn't tell."""
    known = np.isfinite(values)
    each = means_of_groups(values[known], groups[known])
    if not each.size:
        return GroupMean(None, None, None, None, None, 0, 0)
    low, high = bounds_of(resampled_sums(each) / each.size, each.size)
    return GroupMean(
        mean=float(each.mean()),
        low=low,
        high=high,
        over_windows=float(values[known].mean(dtype=np.float64)),
        median=float(np.median(values[known])),
        groups=each.size,
        windows=int(known.sum()),
    )


def means_of_groups(values: NDArray[np.floating], groups: NDArray[np.str_]) -> F64:
    """Average (N,) finite values within each group: (G,)."""
    _, index = np.unique(groups, return_inverse=True)
    count = np.bincount(index)
    return np.asarray(np.bincount(index, weights=values.astype(np.float64)) / count)


def sums_of_groups(values: NDArray[np.floating], groups: NDArray[np.str_]) -> F64:
    """Add up (N,) finite values within each group: (G,)."""
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=values.astype(np.float64)).astype(np.float64)


def resampled_sums(each: F64) -> F64:
    """Add up (G,) over the groups of every bootstrap sample: (RESAMPLES,)."""
    return np.asarray(each[_resampled(each.size)].sum(axis=1))


def bounds_of(figures: F64, groups: int) -> tuple[float | None, float | None]:
    """Give the 95 % interval of a figure of (RESAMPLES,) samples, those aside that have none.

    ``groups`` are those that tell of the figure; of fewer than ``LEAST_GROUPS`` it is null.
    """
    known = figures[np.isfinite(figures)]
    if groups < LEAST_GROUPS or not known.size:
        return None, None
    low, high = np.quantile(known, _BOUNDS)
    return float(low), float(high)


def shares_of_windows(groups: NDArray[np.generic]) -> F64:
    """Give each window of (N,) groups its share of the whole, so that groups have the same."""
    _, index = np.unique(groups, return_inverse=True)
    weight = 1 / np.bincount(index)[index]
    return np.asarray(weight / weight.sum())


@lru_cache(maxsize=8)
def _resampled(groups: int) -> NDArray[np.int64]:
    """Draw (RESAMPLES, G) groups with replacement, the same ones for every method."""
    return np.random.default_rng([_SEED, groups]).integers(0, groups, (RESAMPLES, groups))
