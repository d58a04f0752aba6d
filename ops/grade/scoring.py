"""From indexes to quality: the score of ``ops.grade.rules`` and the grade that follows.

Shapes: N windows. Every step is per row, so that a window's score doesn't depend on its batch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ops.grade.rules import (
    AT_MOST_BAD,
    AT_MOST_FAIR,
    BAD,
    CRITERIA,
    FAIR,
    GOOD,
    NOT_GOOD,
    UNTOLD,
    Criterion,
    Indexes,
    Mask,
    Rows,
    Rule,
    Untold,
)
from schemas.modality import Modality


def criterion_score(criterion: Criterion, indexes: Indexes) -> Rows:
    """Score (N,) in [0, 1]; ``UNTOLD`` where none of its ramps can be told.

    Ramps are added one by one: the order within a numpy sum may vary with the batch.
    """
    total = np.zeros_like(indexes[criterion[0].index])
    count = np.zeros_like(total)
    for ramp in criterion:
        along = ramp.score(indexes)
        told = np.isfinite(along)
        total += np.where(told, along, np.float32(0))
        count += told
    mean = np.full(count.shape, UNTOLD, np.float32)
    return np.divide(total, count, out=mean, where=count > 0)


def score(modality: Modality, indexes: Indexes) -> Rows:
    """Score (N,) windows by the ramps and ceilings of ``modality``; agreement apart."""
    soft: Rows = np.min([criterion_score(c, indexes) for c in CRITERIA[modality]], axis=0)
    not_good = _any_holds(NOT_GOOD[modality], indexes)
    capped = np.where(not_good, np.minimum(soft, np.float32(AT_MOST_FAIR)), soft)
    bad = faulty(modality, indexes)
    return np.where(bad, soft * np.float32(AT_MOST_BAD), capped)


def faulty(modality: Modality, indexes: Indexes) -> Mask:
    """Say (N,) where a signal is bad by a fault, such as a flat or unzeroed line, not by noise."""
    return _any_holds(BAD[modality], indexes)


def _any_holds(rules: Sequence[Rule | Untold], indexes: Indexes) -> Mask:
    found: Mask = np.any([rule.holds(indexes) for rule in rules], axis=0)
    return found


def with_agreement(sqi: Rows, agrees: Mask) -> Rows:
    """Take a score (N,) down to at most fair where the heart rate agrees with no other signal's."""
    return np.where(agrees, sqi, np.minimum(sqi, np.float32(AT_MOST_FAIR)))


def grade(sqi: Rows, there: Mask) -> NDArray[np.str_]:
    """Grade (N,) scores of what is ``there``."""
    return np.select(
        [~there, sqi >= np.float32(GOOD), sqi >= np.float32(FAIR)],
        ["absent", "good", "fair"],
        default="bad",
    )
