"""Lessons: windows as they may be seen, with annotations that follow from what was known before.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T = 500 samples.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.strip.facts import Facts, Words, annotations_of
from ops.strip.reach import within_reach
from ops.strip.rules import facts_of, read_by_rules
from ops.strip.spoil import HURT, Spoiled, spoil
from schemas.annotation import UNKNOWN
from schemas.annotator import Given
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32
from schemas.template import Annotation

IMPUTED: Final = 0.4
"""How often a pressure is imputed where no line tells it."""

PLAIN: Final = 0.5
"""Share of a window in which beats must stand out in some signal for a rate, and for a rhythm that
a reference told; of those that the beats' times tell, each interval must have been seen whole."""

_ORDER: Final = ("absent", "bad", "fair", "good")
_RANKS: Final = list(range(len(_ORDER)))


@dataclass(frozen=True)
class Lessons:
    """B windows to learn from, or to be judged by.

    Attributes:
        signals: (B, M, T) as seen.
        truth: B annotations.
        given: B partial annotations, as a pipeline gives them: where the pressure is from, and its
            band where it is not measured.
        spoiled: (B,) whether anything was done to the window but leaving modalities out.
        calibrated: (B,) whether ABP is said to be in mmHg.
    """

    signals: F32
    truth: list[Annotation]
    given: list[Given]
    spoiled: NDArray[np.bool_]
    calibrated: NDArray[np.bool_]


def lessons(
    clean: F32,
    rng: np.random.Generator,
    *,
    hurt: float = HURT,
    imputed: float = IMPUTED,
    uncalibrated: float = 0.0,
    rhythm: Words | None = None,
    beats: NDArray[np.int16] | None = None,
    rate: F32 | None = None,
) -> Lessons:
    """Make lessons of ``clean`` (B, M, T), in mV, NU and mmHg; a row of NaN is absent for good.

    In a share ``uncalibrated`` of them nobody says that ABP is in mmHg, so no pressure is known.
    ``rhythm``, ``beats`` and ``rate`` are those of a reference, where there is one.
    """
    clean, n = within_reach(clean), len(clean)
    calibrated = rng.random(n) >= uncalibrated if uncalibrated else np.ones(n, np.bool_)
    known = facts_of(by_modality(clean), units_known(calibrated))
    if rhythm is not None:
        known = replace(known, rhythm=rhythm)
    if beats is not None and rate is not None:
        known = replace(known, beats=beats, rate=rate, legible=np.ones_like(known.legible))
    seen = spoil(clean, rng, hurt)
    facts = as_seen(known, seen, rng.random(n) < imputed)
    truth = annotations_of(facts)
    hurt_here = (seen.artefact != "none").any(axis=1)
    return Lessons(seen.signals, truth, [given_of(a) for a in truth], hurt_here, calibrated)


def readings(drawn: Lessons) -> list[Annotation]:
    """Say what rules alone find in windows as they are seen."""
    return read_by_rules(by_modality(drawn.signals), units_known(drawn.calibrated))


def by_modality(signals: F32) -> dict[Modality, F32]:
    """Part (B, M, T) signals by their modalities."""
    return {m: signals[:, i] for i, m in enumerate(MODALITIES)}


def units_known(calibrated: NDArray[np.bool_]) -> dict[Modality, NDArray[np.bool_]]:
    """Say of each modality (B,) that its unit is known, of ABP where it is."""
    return dict.fromkeys(MODALITIES, np.ones_like(calibrated)) | {"abp": calibrated}


def given_of(annotation: Annotation) -> Given:
    """Give what a pipeline knows of a window beforehand."""
    pressure = annotation.pressure
    if pressure.source == "measured":
        return {"pressure_source": "measured"}
    return {"pressure_source": pressure.source, "pressure_band": pressure.band}


def as_seen(known: Facts, seen: Spoiled, imputed: NDArray[np.bool_]) -> Facts:
    """Take what is known of clean windows to what can be said of them as they are seen."""
    quality, artefact, span, rates = {}, {}, {}, {}
    for i, m in enumerate(MODALITIES):
        quality[m] = _worse(known.quality[m], seen.fitness[:, i])
        done = seen.artefact[:, i]
        own = (done == "none") & (seen.fitness[:, i] != "absent")
        # What is wrong with a clean signal stays wrong with it where nothing was done to it.
        artefact[m] = np.where(own, known.artefact[m], done)
        span[m] = np.where(own[:, None], known.span_s[m], seen.span_s[:, i])
        plain = seen.legible[:, i].mean(axis=1) >= PLAIN
        rates[m] = np.where(plain, known.rates[m], np.float32("nan"))
    told = np.isfinite(known.pressure).all(axis=1)
    measured = np.isin(quality["abp"], ("good", "fair")) & told
    legible = known.legible & seen.legible.any(axis=1)
    plain = legible.mean(axis=1) >= PLAIN
    return replace(
        known,
        quality=quality,
        artefact=artefact,
        span_s=span,
        rates=rates,
        source=np.where(measured, "measured", np.where(imputed & told, "imputed", "none")),
        legible=legible,
        rate=np.where(plain, known.rate, np.float32("nan")),
        rhythm=_still_told(known.rhythm, legible),
    )


def _still_told(rhythm: Words, legible: NDArray[np.bool_]) -> Words:
    """Unlearn (B,) what a reference said of windows in which it can't be seen.

    A single early beat may lie in any step; where no reference said anything, beats decide.
    """
    share = legible.mean(axis=1)
    seen = np.where(rhythm == "ectopy", share == 1, share >= PLAIN)
    return np.asarray(np.where(seen | (rhythm == ""), rhythm, UNKNOWN))


def _worse(one: Words, other: Words) -> Words:
    """Give the worse of two qualities (B,); one that is absent in either is absent."""
    rank = np.minimum(*(np.select([x == q for q in _ORDER], _RANKS, 0) for x in (one, other)))
    return np.asarray(np.array(_ORDER)[rank])
