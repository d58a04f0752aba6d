"""How far intervals must reach to hold on people not learned from, each counting alike.

Shapes: N scores.
"""

import numpy as np
from numpy.typing import NDArray

from ops.judge.groups import shares_of_windows

F64 = NDArray[np.float64]


def group_quantile(scores: NDArray[np.floating], groups: NDArray[np.str_], share: float) -> float:
    """Give the quantile of (N,) scores in which each of the groups (N,) weighs the same.

    Scores that are not finite have no say.

    Raises:
        ValueError: where none is finite.
    """
    known = np.isfinite(scores)
    if not known.any():
        message = "no score is finite"
        raise ValueError(message)
    order = np.argsort(scores[known], kind="stable")
    reached = np.cumsum(shares_of_windows(groups[known])[order])
    at = min(int(np.searchsorted(reached, share - 1e-12)), order.size - 1)
    return float(scores[known][order[at]])


def new_group_quantile(
    scores: NDArray[np.floating], groups: NDArray[np.str_], share: float
) -> float:
    """Give what a ``share`` of the scores of a new group lies within, on average over new groups.

    Every score is ranked among the *other* groups', each of which weighs the same, and the level is
    the least that holds ``share`` of these ranks. It is never above that of hierarchical conformal
    prediction, ``share * (G + 1) / G`` of G groups (Dunn et al., arXiv:1809.07441; Lee et al.,
    arXiv:2306.06342), which holds at least ``share`` whatever the scores, but too many where those
    of one group are unlike each other. The ranks tell how alike they are; what they hold is
    measured (``bench/audit_wards.py``), not proven. Scores that are not finite have no say.

    Raises:
        ValueError: where the groups are too few, as a new one is outside them more often than that.
    """
    known = np.isfinite(scores)
    scores, groups = scores[known], groups[known]
    n = np.unique(groups).size
    if n * (1 - share) < 1 - 1e-9:
        message = f"{n} groups are too few to hold {share:g} of a new one"
        raise ValueError(message)
    ranks = _ranks_among_others(scores, groups)
    order = np.argsort(ranks, kind="stable")
    reached = np.cumsum(shares_of_windows(groups)[order])
    last = ranks[order][min(int(np.searchsorted(reached, share - 1e-9)), order.size - 1)]
    level = ranks[ranks > last + 1e-9].min(initial=1.0)
    return group_quantile(scores, groups, min(float(level), share * (n + 1) / n))


def _ranks_among_others(scores: NDArray[np.floating], groups: NDArray[np.str_]) -> F64:
    """Give the share of the other groups' scores that lies below each of (N,) scores."""
    _, index, count = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    weight = np.concatenate([[0.0], np.cumsum((1 / count[index])[order])])
    below = weight[np.searchsorted(scores[order], scores)]
    return np.asarray((below - _shares_of_own(scores, index, count)) / (count.size - 1))


def _shares_of_own(
    scores: NDArray[np.floating], index: NDArray[np.int64], count: NDArray[np.int64]
) -> F64:
    """Give the share of its own group's scores that lies below each of (N,) scores."""
    order = np.lexsort((scores, index))
    group, score, at = index[order], scores[order], np.arange(order.size)
    first = np.concatenate([[True], (np.diff(group) > 0) | (np.diff(score) > 0)])
    start = np.cumsum(count) - count
    share = np.empty(order.size)
    share[order] = (np.maximum.accumulate(np.where(first, at, 0)) - start[group]) / count[group]
    return share
