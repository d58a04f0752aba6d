"""Whether a mean pressure below 65 mmHg is seen, and for how much of the time.

Shapes: N windows, G subjects.
"""

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.audit.told import subjects_of
from ops.judge.groups import bounds_of, group_mean, means_of_groups, resampled_sums, sums_of_groups

LOW_MMHG: Final = 65.0

Bools = NDArray[np.bool_]


def hypotension(told: pl.DataFrame) -> dict[str, Any]:
    """Tell how well audited windows with a pressure show a MAP below 65 mmHg.

    ``told`` is low where the value is; ``possible`` where the lower bound is.
    """
    groups = subjects_of(told)
    low = {name: told[name].to_numpy() < LOW_MMHG for name in ("true_map", "map", "map_lower")}
    return {
        "windows": told.height,
        "windows_below": int(low["true_map"].sum()),
        "subjects_below": int(np.unique(groups[low["true_map"]]).size),
        "told": detection(low["map"], low["true_map"], groups),
        "possible": detection(low["map_lower"], low["true_map"], groups),
        "share_of_time": _share_of_time(low["map"], low["true_map"], groups),
    }


def detection(said: Bools, true: Bools, groups: NDArray[np.str_]) -> dict[str, Any]:
    """Count (N,) what was said of what is true; shares are over windows, by bootstrap of groups."""
    return {
        "true_positive": int((said & true).sum()),
        "false_negative": int((~said & true).sum()),
        "false_positive": int((said & ~true).sum()),
        "true_negative": int((~said & ~true).sum()),
        "sensitivity": _share(said & true, true, groups),
        "specificity": _share(~said & ~true, ~true, groups),
    }


def _share(hit: Bools, of: Bools, groups: NDArray[np.str_]) -> dict[str, float | None]:
    """Give the share of hits, null where there is nothing to hit, its bounds where few have it."""
    if not of.any():
        return {"value": None, "low": None, "high": None}
    hits, all_of = (sums_of_groups(x.astype(np.float64), groups) for x in (hit, of))
    with np.errstate(invalid="ignore"):
        low, high = bounds_of(
            resampled_sums(hits) / resampled_sums(all_of), int((all_of > 0).sum())
        )
    return {"value": float(hits.sum() / all_of.sum()), "low": low, "high": high}


def _share_of_time(said: Bools, true: Bools, groups: NDArray[np.str_]) -> dict[str, Any]:
    """Compare each subject's share of windows below, as told and as it is."""
    subjects = np.unique(groups)
    told, is_so = (means_of_groups(x.astype(np.float64), groups) for x in (said, true))
    figures = {
        "true": is_so,
        "told": told,
        "bias": told - is_so,
        "absolute_difference": np.abs(told - is_so),
    }
    return {name: group_mean(x, subjects).told() for name, x in figures.items()}
