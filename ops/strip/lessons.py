"""Lessons: windows as they may be seen, with annotations that follow from what was known before.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T = 500 samples.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.strip.facts import Facts, Words, annotations_of
from ops.strip.rules import facts_of
from ops.strip.spoil import HURT, Spoiled, spoil
from schemas.annotator import Given
from schemas.modality import MODALITIES
from schemas.restoration import F32
from schemas.template import Annotation

IMPUTED: Final = 0.4
"""How often a pressure is imputed where no line tells it."""

_ORDER: Final = ("bad", "fair", "good")


@dataclass(frozen=True)
class Lessons:
    """B windows to learn from, or to be judged by.

    Attributes:
        signals: (B, M, T) as seen.
        truth: B annotations.
        given: B partial annotations, as a pipeline gives them: where the pressure is from, and its
            band where it is not measured.
        spoiled: (B,) whether anything was done to the window but leaving modalities out.
    """

    signals: F32
    truth: list[Annotation]
    given: list[Given]
    spoiled: NDArray[np.bool_]


def lessons(
    clean: F32,
    rng: np.random.Generator,
    *,
    hurt: float = HURT,
    imputed: float = IMPUTED,
    rhythm: Words | None = None,
    beats: NDArray[np.int16] | None = None,
    rate: F32 | None = None,
) -> Lessons:
    """Make lessons of ``clean`` (B, M, T), in mV, NU and mmHg; a row of NaN is absent for good.

    ``rhythm``, ``beats`` and ``rate`` are those of a reference, where there is one.
    """
    n = len(clean)
    yes = np.ones(n, np.bool_)
    known = facts_of(
        {m: clean[:, i] for i, m in enumerate(MODALITIES)}, dict.fromkeys(MODALITIES, yes)
    )
    if rhythm is not None:
        known = replace(known, rhythm=rhythm)
    if beats is not None and rate is not None:
        known = replace(known, beats=beats, rate=rate)
    seen = spoil(clean, rng, hurt)
    facts = _as_seen(known, seen, rng.random(n) < imputed)
    truth = annotations_of(facts)
    hurt_here = (seen.artefact != "none").any(axis=1)
    return Lessons(seen.signals, truth, [given_of(a) for a in truth], hurt_here)


def given_of(annotation: Annotation) -> Given:
    """Give what a pipeline knows of a window beforehand."""
    pressure = annotation.pressure
    if pressure.source == "measured":
        return {"pressure_source": "measured"}
    return {"pressure_source": pressure.source, "pressure_band": pressure.band}


def _as_seen(known: Facts, seen: Spoiled, imputed: NDArray[np.bool_]) -> Facts:
    """Take what is known of clean windows to what can be said of them as they are seen."""
    quality, artefact, span = {}, {}, {}
    for i, m in enumerate(MODALITIES):
        quality[m] = _worse(known.quality[m], seen.fitness[:, i])
        done = seen.artefact[:, i]
        there = seen.fitness[:, i] != "absent"
        # What is wrong with a clean signal stays wrong with it where nothing was done to it.
        artefact[m] = np.where((done == "none") & there, known.artefact[m], done)
        span[m] = np.where((done == "none")[:, None], known.span_s[m], seen.span_s[:, i])
        span[m] = np.where((artefact[m] == "none")[:, None], np.float32("nan"), span[m])
    told = np.isfinite(known.pressure).all(axis=1)
    measured = np.isin(quality["abp"], ("good", "fair")) & told
    source = np.where(measured, "measured", np.where(imputed & told, "imputed", "none"))
    nothing = np.all([~np.isin(quality[m], ("good", "fair")) for m in MODALITIES], axis=0)
    return replace(
        known,
        quality=quality,
        artefact=artefact,
        span_s=span,
        source=source,
        rate=np.where(nothing & _silent(seen), np.float32("nan"), known.rate),
    )


def _worse(one: Words, other: Words) -> Words:
    absent = other == "absent"
    rank = np.minimum(*(np.select([x == q for q in _ORDER], [0, 1, 2], 0) for x in (one, other)))
    return np.where(absent, "absent", np.array(_ORDER)[rank])


def _silent(seen: Spoiled) -> NDArray[np.bool_]:
    """Say (B,) where no signal has half of its samples."""
    return np.asarray((np.isfinite(seen.signals).mean(axis=2) < 0.5).all(axis=1))
