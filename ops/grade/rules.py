"""From indexes to quality: a score in [0, 1], its ceilings, and the grade that follows.

The score is the least fit of a modality's soft criteria: 0 at the first value of a ramp, 1 at the
second. A ceiling takes a window down to at most fair (0.69) or bad (0.39), whatever it scores.
``good`` is a score of 0.7 or more, ``fair`` 0.4 or more, ``bad`` any other. So the grade never
contradicts the score.

Values were chosen on UCI records (files 0 and 1) with made noise and on plots of ``cinc2015``.
Figures on ``nstdb``, on UCI files 3 and 4 and on all of ``cinc2015`` were seen between changes.

Missing samples: more than 2 % can't be good, more than 60 % is bad.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.modality import Modality

GOOD: Final = 0.7
FAIR: Final = 0.4
AT_MOST_FAIR: Final = 0.69
AT_MOST_BAD: Final = 0.39
UNTOLD: Final = 0.5
"""Score of a criterion that can't be told, as the likeness of a single beat."""


def _columns_of(modality: Modality) -> Callable[[str], pl.Expr]:
    return lambda index: pl.col(f"{modality}_{index}")


@dataclass(frozen=True)
class Ramp:
    """Soft criterion: 0 at ``worst`` and beyond, 1 at ``best`` and beyond, null where untold."""

    index: str
    worst: float
    best: float

    def score(self, modality: Modality) -> pl.Expr:
        """Score in [0, 1] or null."""
        index = _columns_of(modality)(self.index)
        return ((index - self.worst) * (1 / (self.best - self.worst))).clip(0, 1)


Criterion = tuple[Ramp, ...]
"""Ramps that measure one thing; its score is the mean of those that can be told."""

CRITERIA: Final[dict[Modality, tuple[Criterion, ...]]] = {
    "ecg": (
        (
            Ramp("template_correlation", 0.5, 0.99),
            Ramp("beat_snr_db", 1, 19),
            Ramp("quiet_snr_db", 3, 21),
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


def criterion_score(criterion: Criterion, modality: Modality) -> pl.Expr:
    """Score in [0, 1]; ``UNTOLD`` where none of its ramps can be told.

    Columns are divided by columns only: polars rounds a division by a constant otherwise for a
    frame of one row than for a longer one.
    """
    told = pl.sum_horizontal(ramp.score(modality).is_not_null() for ramp in criterion).cast(
        pl.Float32
    )
    mean = pl.sum_horizontal(ramp.score(modality) for ramp in criterion) / told
    return pl.when(told > 0).then(mean).otherwise(UNTOLD)


def _bad(modality: Modality) -> list[pl.Expr]:
    col = _columns_of(modality)
    common = [
        col("missing") > 0.6,
        col("flat") > 0,
        col("rail") >= 0.2,
        col("beats") < 1,
        col("longest_gap_s") > 3.5,
    ]
    own: dict[Modality, list[pl.Expr]] = {
        "ecg": [
            col("calibrated") & (col("outside") > 0.02),
            col("calibrated") & (col("amplitude") < 0.03),
        ],
        "ppg": [],
        "abp": [
            col("calibrated") & bad
            for bad in (
                col("outside") > 0.05,
                col("air") > 0.05,
                col("flush") > 0.05,
                col("slew") > 80,
                col("sbp") - col("dbp") < 10,
                col("sbp") > 280,
                col("map") < 20,
                col("map") > 200,
                col("map") < col("dbp"),
                col("map") > col("sbp"),
            )
        ],
    }
    return common + own[modality]


def _not_good(modality: Modality) -> list[pl.Expr]:
    col = _columns_of(modality)
    common = [
        col("missing") > 0.02,
        col("rail") > 0.05,
        col("beats") < 2,
    ]
    own: dict[Modality, list[pl.Expr]] = {
        "ecg": [],
        "ppg": [col("longest_gap_s") > 2.6],
        "abp": [
            ~col("calibrated"),
            col("sbp").is_null() | col("dbp").is_null(),
            col("calibrated")
            & (
                (col("flush") > 0)
                | (col("air") > 0)
                | (col("sbp") - col("dbp") < 20)
                | (col("slew") > 25)
                | (col("dbp") < 20)
                | (col("map") < 30)
            ),
        ],
    }
    return common + own[modality]


@cache
def score(modality: Modality) -> pl.Expr:
    """Score indexes by the ramps and ceilings of ``modality``; agreement apart; null is untold."""
    soft = pl.min_horizontal(criterion_score(c, modality) for c in CRITERIA[modality])
    bad = pl.any_horizontal(rule.fill_null(value=False) for rule in _bad(modality))
    not_good = pl.any_horizontal(rule.fill_null(value=False) for rule in _not_good(modality))
    return (
        pl.when(bad)
        .then(soft * AT_MOST_BAD)
        .when(not_good)
        .then(pl.min_horizontal(soft, pl.lit(AT_MOST_FAIR)))
        .otherwise(soft)
        .cast(pl.Float32)
    )


def with_agreement(sqi: NDArray[np.float32], agrees: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Take a score (N,) down to at most fair where the heart rate agrees with no other signal's."""
    return np.where(agrees, sqi, np.minimum(sqi, np.float32(AT_MOST_FAIR)))


def grade(sqi: NDArray[np.float32], there: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Grade (N,) scores of what is ``there``."""
    return np.select(
        [~there, sqi >= np.float32(GOOD), sqi >= np.float32(FAIR)],
        ["absent", "good", "fair"],
        default="bad",
    )
