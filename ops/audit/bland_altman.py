"""Limits of agreement where a subject is measured many times and the truth changes meanwhile.

Bland and Altman 2007, J Biopharm Stat 17:571, section 3: a one-way analysis of variance of the
differences by subject gives the variance within and between subjects, and the limits are those of
their sum. Intervals are by bootstrap over subjects.

Shapes: N windows, G subjects, R bootstrap samples.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.groups import bounds_of, resampled_sums, sums_of_groups

F64 = NDArray[np.float64]

LIMITS: Final = 1.96
_LEAST: Final = 2


def bland_altman(
    value: NDArray[np.floating], true: NDArray[np.floating], groups: NDArray[np.str_]
) -> dict[str, Any]:
    """Tell bias, spread and limits of agreement (mmHg) of (N,) pressures, null of one subject.

    ``bias`` is the mean difference, told less true, over windows. Few subjects have figures without
    bounds.
    """
    error = value.astype(np.float64) - true
    known = np.isfinite(error)
    error, groups = error[known], groups[known]
    subjects = np.unique(groups).size
    told: dict[str, Any] = {"windows": int(known.sum()), "subjects": subjects}
    if subjects < _LEAST or error.size == subjects:
        return told | dict.fromkeys(_FIGURES)
    sums = _sums(error, groups)
    once = _components(sums.sum(axis=1, keepdims=True))
    again = _components(np.stack([resampled_sums(each) for each in sums]))
    return told | {
        name: {"value": float(figure[0]), "low": low, "high": high}
        for name, figure, (low, high) in (
            (name, once[name], bounds_of(again[name], subjects)) for name in _FIGURES
        )
    }


_FIGURES: Final = ("bias", "sd_within", "sd_between", "sd", "lower_limit", "upper_limit")


def _sums(error: F64, groups: NDArray[np.str_]) -> F64:
    """Give (6, G): 1, windows, their square, error, and its square of means and of windows."""
    n, total = sums_of_groups(np.ones_like(error), groups), sums_of_groups(error, groups)
    squares = sums_of_groups(error**2, groups)
    return np.stack([np.ones_like(n), n, n**2, total, total**2 / n, squares])


def _components(sums: F64) -> dict[str, F64]:
    """Estimate by (6, R) sums over subjects; a variance between them is at least 0."""
    subjects, n, n_squared, total, between, squares = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.maximum(squares - between, 0) / (n - subjects)
        mean_square = (between - total**2 / n) / (subjects - 1)
        per_subject = (n**2 - n_squared) / ((subjects - 1) * n)
        excess = np.maximum(mean_square - within, 0) / per_subject
        bias, sd = total / n, np.sqrt(within + excess)
    return {
        "bias": bias,
        "sd_within": np.sqrt(within),
        "sd_between": np.sqrt(excess),
        "sd": sd,
        "lower_limit": bias - LIMITS * sd,
        "upper_limit": bias + LIMITS * sd,
    }
