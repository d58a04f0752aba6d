"""Cuff readings made of a group's own arterial line: which window they are taken from, and when.

Shapes: W windows of a group, N of them judged, T = 500 samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.judge.timeline import Timeline
from ops.restored import read_pressures
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32, Cuff

Int = NDArray[np.int64]

REFERENCES: Final = ("first", "random", "previous")
"""The group's first valid window; any valid one, earlier or later; the one just before."""


def cuffs_of(
    timeline: Timeline, rows: Int, fit: dict[Modality, NDArray[np.bool_]]
) -> dict[str, Cuff]:
    """Give each of the windows ``rows`` a reading by every choice of reference.

    Valid is a window whose modalities are all fit and whose pressures can be read. No window is its
    own reference, and none has one of ``first`` before that was read.
    """
    sbp, dbp = (timeline.graded[name].is_not_null().to_numpy() for name in ("sbp", "dbp"))
    valid = np.logical_and.reduce([*(fit[m] for m in MODALITIES), sbp, dbp])
    chosen = {
        "first": _first(valid, rows),
        "random": _random(valid, rows, timeline.seeds),
        "previous": _previous(valid, rows, timeline.follows),
    }
    return {name: _read(timeline, rows, chosen[name]) for name in REFERENCES}


def _first(valid: NDArray[np.bool_], rows: Int) -> Int:
    first = np.flatnonzero(valid)[:1]
    return np.where(first < rows, first, -1) if first.size else np.full(len(rows), -1)


def _random(valid: NDArray[np.bool_], rows: Int, seeds: Int) -> Int:
    pool = np.flatnonzero(valid)
    chosen = np.full(len(rows), -1)
    for i, row in enumerate(rows):
        others = pool[pool != row]
        if others.size:
            chosen[i] = np.random.default_rng(seeds[row]).choice(others)
    return chosen


def _previous(valid: NDArray[np.bool_], rows: Int, follows: NDArray[np.bool_]) -> Int:
    return np.where(follows[rows] & valid[rows - 1], rows - 1, -1)


def _read(timeline: Timeline, rows: Int, reference: Int) -> Cuff:
    there = reference >= 0
    at = np.maximum(reference, 0)
    cut: dict[Modality, F32] = {m: timeline.cut(m, at, 0, WINDOW_SAMPLES) for m in MODALITIES}
    read = read_pressures(np.where(there[:, None], np.nan_to_num(cut["abp"]), 0), there)
    known = np.isfinite(read["sbp"]) & np.isfinite(read["dbp"])
    nothing = np.float32("nan")
    age_s = timeline.start_s[rows] - timeline.start_s[at]
    conditions: tuple[Modality, ...] = ("ecg", "ppg")
    return Cuff(
        sbp=np.where(known, read["sbp"], nothing),
        dbp=np.where(known, read["dbp"], nothing),
        age_s=np.where(known, age_s, np.nan).astype(np.float32),
        signals={m: np.where(known[:, None], cut[m], nothing) for m in conditions},
    )
