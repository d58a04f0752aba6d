"""Traces of the analyser on what is seen, kept only where its answer is right."""

from collections.abc import Sequence

import numpy as np

from ops.strip.facts import Facts, annotations_of
from ops.strip.lessons import by_modality, units_known
from ops.strip.rules import facts_of
from ops.strip.score import NEAR
from schemas.annotation import UNKNOWN
from schemas.grid import GRID_FS
from schemas.modality import MODALITIES
from schemas.restoration import F32
from schemas.template import Annotation
from schemas.trace import MOST_BEATS, MOST_INTERVALS, Trace


def right_traces(signals: F32, truth: Sequence[Annotation]) -> list[Trace | None]:
    """Give the trace of each window of ``signals`` (B, M, T), in mV, NU and mmHg.

    None where what follows from it is not the ``truth``: another rhythm, or another rate.
    """
    facts = facts_of(by_modality(signals), units_known(np.ones(len(signals), np.bool_)))
    found = annotations_of(facts)
    return [
        trace_of(facts, i) if leads_to(found[i], annotation) else None
        for i, annotation in enumerate(truth)
    ]


def trace_of(facts: Facts, i: int) -> Trace:
    """Count what there is of window ``i``."""
    at = facts.beats[i][facts.beats[i] >= 0].astype(np.float64) / GRID_FS
    return Trace(
        beats=min(len(at), MOST_BEATS),
        intervals_s=tuple(float(s) for s in np.diff(at)[:MOST_INTERVALS]),
        quality={m: str(facts.quality[m][i]) for m in MODALITIES},  # type: ignore[misc]
    )


def leads_to(found: Annotation, truth: Annotation) -> bool:
    """Say whether an answer has the right rhythm, and the rate within 5 beats/min."""
    if found.rhythm != truth.rhythm:
        return False
    if found.heart_rate == UNKNOWN or truth.heart_rate == UNKNOWN:
        return found.heart_rate == truth.heart_rate
    return abs(int(found.heart_rate) - int(truth.heart_rate)) <= NEAR
