"""What is wrong with a signal, and where, by rules on the marks that artefacts leave.

Thresholds were chosen on windows of training groups of the UCI set, spoiled in known ways: near
the best mean F1 over artefacts, rounded.

Shapes: N windows, T samples.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import Beats, fill_gaps
from ops.strip.levels import at_extreme, leaps_of, level_runs, range_of
from ops.strip.marks import Marks, marks
from ops.strip.spans import around_peak, burst, hull, longest_run, whole
from schemas.annotation import UNKNOWN
from schemas.modality import Modality
from schemas.restoration import F32

GAP: Final = 0.02
"""Share of samples that must be missing, as for the grade."""

FLUSH: Final = 12
"""Samples that a line must lie level above 200 mmHg."""

FLAT: Final = 38
"""Samples (0.3 s) that any signal must lie level; an ECG does for 0.2 s of its own accord."""

PLATEAUS: Final = 3
"""A rail is met beat by beat; a flat line lies at an extreme once or twice."""

UPSTROKE: Final = 10.0
FINE_DB: Final = -24.0
"""A damped line rises slower than the first (1/s) and has less above 5 Hz than the second."""


@dataclass(frozen=True)
class Limits:
    """Beyond which a mark tells; what each is of is said in ``ops.strip.marks``."""

    rail: float
    leap: float
    stray: float
    quiet: float
    """Leaps are spikes where the rest is less rough than this."""
    rough: float
    burst: float
    wander: float
    unlike: float


LIMITS: Final[dict[Modality, Limits]] = {
    "ecg": Limits(0.055, 2.0, 1.25, 0.03, 0.028, 0.068, 0.10, 0.32),
    "ppg": Limits(0.055, 1.1, 0.0, 0.0125, 0.038, 0.10, 0.13, 0.38),
    "abp": Limits(0.055, 1.1, 0.0, 0.0125, 0.038, 0.10, 0.10, 0.35),
}
"""A QRS complex leaps of its own accord, and beats of an ECG differ by their noise alone."""


@dataclass(frozen=True)
class Found:
    """Of N signals.

    Attributes:
        artefact: (N,) the name, ``none`` or unknown.
        span_s: (N, 2) seconds between which it lies, NaN where there is none.
    """

    artefact: NDArray[np.str_]
    span_s: F32


def artefacts(
    x: F32,
    beats: Beats,
    quality: NDArray[np.str_],
    calibrated: NDArray[np.bool_],
    modality: Modality,
) -> Found:
    """Find the artefact of each signal ``x`` (N, T) of one modality, NaN missing."""
    found = marks(x, beats, calibrated, modality)
    artefact = artefact_of(found, quality, modality)
    return Found(artefact, spans_of(x, found, artefact))


def artefact_of(found: Marks, quality: NDArray[np.str_], modality: Modality) -> NDArray[np.str_]:
    """Name (N,) what is wrong with a signal: of what holds, the first; of noises, the largest."""
    limits = LIMITS[modality]
    noises = {
        "noise": np.maximum(found.rough / limits.rough, found.burst / limits.burst),
        "wander": found.wander / limits.wander,
        "movement": found.unlike / limits.unlike,
    }
    over = np.stack(list(noises.values()))
    loudest = np.array(list(noises))[over.argmax(axis=0)]
    conditions = {"none": quality == "absent", "gap": found.missing > GAP}
    if modality == "abp":
        conditions["flush"] = found.high_run >= FLUSH
    conditions["spikes"] = (
        (found.leap > limits.leap) & (found.stray > limits.stray) & (found.rough < limits.quiet)
    )
    conditions["saturated"] = (found.plateaus >= PLATEAUS) & (found.rail > limits.rail)
    conditions["flat"] = found.level_run >= FLAT
    if modality == "abp":
        conditions["damped"] = (found.upstroke < UPSTROKE) & (found.fine_db < FINE_DB)
    rest = np.where(over.max(axis=0) > 1, loudest, np.where(quality == "bad", UNKNOWN, "none"))
    return np.select(list(conditions.values()), list(conditions), default=rest)


def spans_of(x: F32, found: Marks, artefact: NDArray[np.str_]) -> F32:
    """Give (N, 2) seconds around each artefact; NaN where there is none, or none that is known."""
    span = np.full((len(x), 2), np.nan, np.float32)
    for kind in np.unique(artefact):
        rows = np.flatnonzero(artefact == kind)
        if kind not in ("none", UNKNOWN):
            span[rows] = _span(x[rows], found.fine[rows], found.odd[rows], str(kind))
    return span


def _span(x: F32, fine: F32, odd: F32, kind: str) -> F32:
    if kind == "gap":
        return longest_run(~np.isfinite(x))
    if kind == "noise":
        return burst(fine**2)
    if kind == "movement":
        return burst(odd**2)
    rows, _ = fill_gaps(x)
    size = range_of(rows)
    if kind in ("flat", "flush"):
        return _level_span(x, size)
    if kind == "saturated":
        top, bottom = at_extreme(x, size), at_extreme(-x, size)
        more = (top.sum(axis=1) >= bottom.sum(axis=1))[:, None]
        return hull(np.where(more, top, bottom))
    return around_peak(leaps_of(rows)) if kind == "spikes" else whole(len(x))


def _level_span(x: F32, size: F32) -> F32:
    """Give (N, 2) the longest stretch at one level."""
    runs = level_runs(x, size)
    end = runs.argmax(axis=1)[:, None]
    at = np.arange(x.shape[1])
    return longest_run((at <= end) & (at > end - runs.max(axis=1, keepdims=True)))
