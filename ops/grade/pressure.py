"""Pressures of ABP and the artefacts of an arterial line.

Shapes: N windows, K beats. Limits of pressure, pulse pressure and beat-to-beat change follow
Sun, Reisner & Mark 2006 (Computers in Cardiology 33:13, "jSQI"). A flush is a square wave towards
the bag's pressure (300 mmHg); zeroing opens the line to air, so that it reads about 0; damping
slows the upstroke (Gardner 1981, Anesthesiology 54:227).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import Beats, pick
from ops.grade.templates import masked_median
from schemas.grid import GRID_FS

Rows = NDArray[np.float32]

FLUSH_MMHG: Final = 230.0
AIR_MMHG: Final = (-20.0, 12.0)


@dataclass(frozen=True)
class Pressures:
    """All (N,) and in mmHg unless said; NaN where no beat tells."""

    sbp: Rows
    dbp: Rows
    map: Rows
    upstroke: Rows
    """Steepest rise over pulse pressure (1/s): small where damped."""
    unsteady: Rows
    """Largest change of systolic pressure from beat to beat."""


def pressures(rows: Rows, beats: Beats) -> Pressures:
    """Read systolic (peak), diastolic (foot) and mean pressure off the beats of ``rows`` (N, T)."""
    k = max(int(beats.count.max(initial=0)), 2)
    peak, foot = beats.index[:, :k].astype(np.intp), beats.foot[:, :k].astype(np.intp)
    is_peak, is_foot = peak >= 0, foot >= 0
    systolic, diastolic = pick(rows, peak), pick(rows, foot)
    sbp, dbp = masked_median(systolic, is_peak), masked_median(diastolic, is_foot)
    rise = _steepest_rise(rows, peak)
    pulse = np.maximum(sbp - dbp, np.float32(1e-6))
    follows = is_peak[:, 1:]
    change = np.where(follows, np.abs(np.diff(systolic, axis=1)), 0).max(axis=1)
    return Pressures(
        sbp=sbp,
        dbp=dbp,
        map=_mean_pressure(rows, foot, sbp, dbp),
        upstroke=masked_median(rise, is_peak) / pulse,
        unsteady=change.astype(np.float32),
    )


def _steepest_rise(rows: Rows, peak: NDArray[np.intp]) -> Rows:
    """Give (N, K) the steepest rise (unit/s, over 3 samples) in the 0.2 s before each peak."""
    rise = np.zeros_like(rows)
    rise[:, 3:] = (rows[:, 3:] - rows[:, :-3]) * np.float32(GRID_FS / 3)
    best = np.zeros(peak.shape, np.float32)
    for back in range(25):
        best = np.maximum(best, pick(rise, peak - back))
    return best


def _mean_pressure(rows: Rows, foot: NDArray[np.intp], sbp: Rows, dbp: Rows) -> Rows:
    """Average from the first foot to the last; a third of the pulse where there are not two."""
    last = foot.max(axis=1)
    first = np.where(foot >= 0, foot, rows.shape[1]).min(axis=1)
    total = np.concatenate(
        [np.zeros((len(rows), 1)), np.cumsum(rows, axis=1, dtype=np.float64)], axis=1
    )
    row = np.arange(len(rows))
    length = last - first
    two = length > 0
    area = total[row, np.maximum(last, 0)] - total[row, np.where(two, first, 0)]
    return np.where(two, area / np.maximum(length, 1), dbp + (sbp - dbp) / 3).astype(np.float32)
