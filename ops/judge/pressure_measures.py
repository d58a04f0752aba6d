"""Errors of pressures as the standards tell them, and the coverage of their intervals.

Shapes: N windows. AAMI/ANSI SP10: absolute mean error at most 5 mmHg, SD at most 8 mmHg, over 85 or
more subjects. BHS (O'Brien et al. 1993, J Hypertens 11:S43): cumulative shares of errors within 5,
10 and 15 mmHg.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.groups import group_mean
from schemas.restoration import F32

AAMI_MMHG: Final = (5.0, 8.0)
AAMI_SUBJECTS: Final = 85
BHS_MMHG: Final = (5, 10, 15)
BHS_GRADES: Final = {"A": (60, 85, 95), "B": (50, 75, 90), "C": (40, 65, 85)}
"""Least shares in percent; what falls short of C is D."""

F64 = NDArray[np.float64]


def pressure_measures(value: F32, true: F32, groups: NDArray[np.str_]) -> dict[str, Any]:
    """Measure one pressure (N,) in mmHg over the windows where it is told and known.

    ME, SD and the shares are over windows, as the standards have them; ``mae`` is over groups.
    """
    error = value.astype(np.float64) - true
    known = np.isfinite(error)
    if not known.any():
        return {"windows": 0, "groups": 0, "me": None, "sd": None, "mae": None}
    told = error[known]
    n_groups = len(np.unique(groups[known]))
    me, sd = float(told.mean()), float(told.std(ddof=1)) if told.size > 1 else None
    return {
        "windows": int(known.sum()),
        "groups": n_groups,
        "me": me,
        "sd": sd,
        "mae_windows": float(np.abs(told).mean()),
        "mae": group_mean(np.abs(error), groups).told(),
        "aami": {**aami(me, sd), "subjects_enough": n_groups >= AAMI_SUBJECTS},
        "bhs": bhs(told),
    }


def aami(me: float, sd: float | None) -> dict[str, bool]:
    """Say whether mean error and SD (mmHg) are within the limits; subjects are another matter."""
    return {"errors_within": abs(me) <= AAMI_MMHG[0] and sd is not None and sd <= AAMI_MMHG[1]}


def bhs(error: F64) -> dict[str, Any]:
    """Give the shares of errors (mmHg) within 5, 10 and 15 in percent, and their grade."""
    shares = [float(100 * (np.abs(error) <= limit).mean()) for limit in BHS_MMHG]
    reached = [
        grade
        for grade, least in BHS_GRADES.items()
        if all(share >= bound for share, bound in zip(shares, least, strict=True))
    ]
    within = {f"within_{limit}": share for limit, share in zip(BHS_MMHG, shares, strict=True)}
    return {**within, "grade": reached[0] if reached else "D"}


def interval_measures(
    lower: F32, upper: F32, true: F32, groups: NDArray[np.str_]
) -> dict[str, Any]:
    """Give coverage and mean width (mmHg) of (N,) intervals over groups, null without intervals."""
    known = np.isfinite(lower) & np.isfinite(upper) & np.isfinite(true)
    inside = np.where(known, (lower <= true) & (true <= upper), np.nan)
    return {
        "coverage": group_mean(inside, groups).told(),
        "width": group_mean(np.where(known, upper - lower, np.nan), groups).told(),
    }
