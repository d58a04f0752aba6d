"""Every threshold: soft criteria of the score in [0, 1], its ceilings, and its grades.

The score is the least fit of a modality's soft criteria: 0 at the first value of a ramp, 1 at the
second. A ceiling takes a window down to at most fair (0.69) or bad (0.39), whatever it scores.
``good`` is a score of 0.7 or more, ``fair`` 0.4 or more, ``bad`` any other. So the grade never
contradicts the score.

Values were chosen on UCI records (files 0 and 1) with made noise and on plots of ``cinc2015``.
Figures on ``nstdb``, on UCI files 3 and 4 and on all of ``cinc2015`` were seen between changes.

Missing samples: more than 2 % can't be good, more than 60 % is bad.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.modality import Modality

Rows = NDArray[np.float32]
Mask = NDArray[np.bool_]
Indexes = Mapping[str, NDArray[Any]]
"""Indexes (N,) of one modality by name, NaN where untold; ``calibrated`` where it has a unit."""

GOOD: Final = 0.7
FAIR: Final = 0.4
AT_MOST_FAIR: Final = 0.69
AT_MOST_BAD: Final = 0.39
UNTOLD: Final = 0.5
"""Score of a criterion that can't be told, as the likeness of a single beat."""


@dataclass(frozen=True)
class Ramp:
    """Soft criterion: 0 at ``worst`` and beyond, 1 at ``best`` and beyond, NaN where untold."""

    index: str
    worst: float
    best: float

    def score(self, indexes: Indexes) -> Rows:
        """Score (N,) in [0, 1] or NaN."""
        slope = np.float32(1 / (self.best - self.worst))
        with np.errstate(over="ignore"):
            along: Rows = (indexes[self.index] - np.float32(self.worst)) * slope
        return np.minimum(np.maximum(along, np.float32(0)), np.float32(1))


Criterion = tuple[Ramp, ...]
"""Ramps that measure one thing; its score is the mean of those that can be told."""

CRITERIA: Final[dict[Modality, tuple[Criterion, ...]]] = {
    "ecg": (
        (
            Ramp("quiet_snr_db", 3, 21),
            Ramp("beat_snr_db", 1, 19),
            Ramp("template_correlation", 0.5, 0.99),
        ),
        (Ramp("qrs_ratio", 0.1, 0.35),),
        (Ramp("baseline_ratio", 0.02, 0.3),),
        (Ramp("rough_ratio", 0.8, 0.3),),
        (Ramp("kurtosis", 1.2, 2.6),),
    ),
    "ppg": (
        (Ramp("template_correlation", 0.3, 0.95),),
        (Ramp("beat_snr_db", -6, 12),),
        (Ramp("pulse_ratio", 0.2, 0.8),),
        (Ramp("rough_ratio", 0.3, 0.02),),
    ),
    "abp": (
        (Ramp("template_correlation", 0.4, 0.96),),
        (Ramp("beat_snr_db", -4, 12),),
        (Ramp("rough_ratio", 0.3, 0.03),),
        (Ramp("upstroke", 2, 6),),
        (Ramp("unsteady", 100, 15),),
    ),
}


Comparison = Literal["<", ">", ">="]
_COMPARE: Final[dict[Comparison, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    ">": operator.gt,
    ">=": operator.ge,
}

PHYSICAL: Final = frozenset({"outside", "amplitude", "slew"})
"""Indexes in the signal's unit: a rule on one holds of calibrated signals alone.

Pressures need no mention: they are untold of an uncalibrated line.
"""


@dataclass(frozen=True)
class Rule:
    """Holds where ``index``, less ``minus`` if named, is beyond ``limit``; never where untold."""

    index: str
    comparison: Comparison
    limit: float
    minus: str | None = None

    def holds(self, indexes: Indexes) -> Mask:
        """Say (N,) where it holds."""
        value = indexes[self.index]
        if self.minus is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                value = value - indexes[self.minus]
        found: Mask = _COMPARE[self.comparison](value, np.float32(self.limit))
        return found & indexes["calibrated"] if self.index in PHYSICAL else found


@dataclass(frozen=True)
class Untold:
    """Holds where ``index`` can't be told."""

    index: str

    def holds(self, indexes: Indexes) -> Mask:
        """Say (N,) where it holds."""
        return np.isnan(indexes[self.index])


_BAD_IN_ANY: Final = (
    Rule("missing", ">", 0.6),
    Rule("flat", ">", 0),
    Rule("rail", ">=", 0.2),
    Rule("beats", "<", 1),
    Rule("longest_gap_s", ">", 3.5),
)
_NOT_GOOD_IN_ANY: Final = (
    Rule("missing", ">", 0.02),
    Rule("rail", ">", 0.05),
    Rule("beats", "<", 2),
)

BAD: Final[dict[Modality, tuple[Rule | Untold, ...]]] = {
    "ecg": (
        *_BAD_IN_ANY,
        Rule("outside", ">", 0.02),
        Rule("amplitude", "<", 0.03),
    ),
    "ppg": _BAD_IN_ANY,
    "abp": (
        *_BAD_IN_ANY,
        Rule("outside", ">", 0.05),
        Rule("air", ">", 0.05),
        Rule("flush", ">", 0.05),
        Rule("slew", ">", 80),
        Rule("sbp", "<", 10, minus="dbp"),
        Rule("sbp", ">", 280),
        Rule("map", "<", 20),
        Rule("map", ">", 200),
        Rule("map", "<", 0, minus="dbp"),
        Rule("map", ">", 0, minus="sbp"),
    ),
}
"""A window is bad where any of these holds."""

NOT_GOOD: Final[dict[Modality, tuple[Rule | Untold, ...]]] = {
    "ecg": _NOT_GOOD_IN_ANY,
    "ppg": (*_NOT_GOOD_IN_ANY, Rule("longest_gap_s", ">", 2.6)),
    "abp": (
        *_NOT_GOOD_IN_ANY,
        Untold("sbp"),
        Untold("dbp"),
        Rule("flush", ">", 0),
        Rule("air", ">", 0),
        Rule("sbp", "<", 20, minus="dbp"),
        Rule("slew", ">", 25),
        Rule("dbp", "<", 20),
        Rule("map", "<", 30),
    ),
}
"""A window is at most fair where any of these holds; a line without a unit tells no ``sbp``."""
