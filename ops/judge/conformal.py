"""How far intervals must reach to hold on people not learned from, each counting alike.

Shapes: N scores.
"""

import numpy as np
from numpy.typing import NDArray

from ops.judge.groups import shares_of_windows


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
