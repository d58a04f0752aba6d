"""What is known of windows, and the annotations that follow from it.

Shapes: B windows, K beats.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops.strip.rhythm import Paced, Span, paced
from schemas.annotation import (
    PHRASES,
    RATES,
    SPAN_STEP_S,
    SPAN_STEPS,
    UNKNOWN,
    Shown,
    band_of,
    note_of,
    rate_fits,
    seconds_of,
    source_fits,
)
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32
from schemas.template import Annotation, Evidence, Pressure, Signal

Words = NDArray[np.str_]

WIDE_MMHG = 70.0
NARROW_MMHG = 25.0
"""Pulse pressures beyond which a note says so."""

_PHRASE = {" ".join(words): i for i, words in enumerate(PHRASES)}
_NOISES = frozenset({"wander", "movement", "noise"})


@dataclass(frozen=True)
class Facts:
    """What is known of B windows.

    Attributes:
        beats: (B, K) sample of each beat, padded with -1.
        rate: (B,) beats/min, NaN where it can't be told.
        rhythm: (B,) by a reference; empty where the beats' times decide.
        disagree: (B,) whether the signals' rates disagree.
        quality: (B,) a modality.
        artefact: (B,) a modality.
        span_s: (B, 2) a modality, seconds between which the artefact lies, NaN where there is none.
        pressure: (B, 3) systolic, diastolic and mean pressure in mmHg, NaN where unknown.
        source: (B,) where the pressure is from.
    """

    beats: NDArray[np.int16]
    rate: F32
    rhythm: Words
    disagree: NDArray[np.bool_]
    quality: dict[Modality, Words]
    artefact: dict[Modality, Words]
    span_s: dict[Modality, F32]
    pressure: F32
    source: Words


def annotations_of(facts: Facts) -> list[Annotation]:
    """Fill the template of each window with what is known of it."""
    return [_annotation(facts, i) for i in range(len(facts.rate))]


def _annotation(facts: Facts, i: int) -> Annotation:
    rate = float(facts.rate[i])
    told = paced(facts.beats[i], rate)
    rhythm = str(facts.rhythm[i]) or told.rhythm
    beats_a_minute = round(rate) if np.isfinite(rate) and rate >= RATES[0] - 0.5 else None
    if beats_a_minute is not None and not RATES[0] <= beats_a_minute <= RATES[1]:
        beats_a_minute = None
    if beats_a_minute is not None and not rate_fits(rhythm, beats_a_minute):
        rhythm = UNKNOWN
    quality = {m: str(facts.quality[m][i]) for m in MODALITIES}
    artefact = {m: str(facts.artefact[m][i]) for m in MODALITIES}
    source = str(facts.source[i])
    source = source if source_fits(quality["abp"], source) else "none"
    band = band_of(*(float(p) for p in facts.pressure[i])) if source != "none" else UNKNOWN
    return Annotation.model_validate(
        {
            "rhythm": rhythm,
            "heart_rate": UNKNOWN if beats_a_minute is None else beats_a_minute,
            **{m: Signal.model_validate(_signal(quality[m], artefact[m])) for m in MODALITIES},
            "pressure": Pressure.model_validate({"band": band, "source": source}),
            "evidence": _evidence(facts, i, told, rhythm, quality),
            "note": note_of(_phrases(facts, i, told, rhythm, quality, artefact, source)),
        }
    )


def _signal(quality: str, artefact: str) -> dict[str, str]:
    return {"quality": quality, "artefact": artefact}


def _evidence(
    facts: Facts, i: int, told: Paced, rhythm: str, quality: dict[Modality, str]
) -> Evidence:
    """Show the first early beat, else a pause, else the worst artefact, else the whole."""
    there = [m for m in MODALITIES if quality[m] != "absent"]
    fit = [m for m in there if quality[m] in ("good", "fair")]
    if not there:
        return Evidence()
    if fit and told.early and rhythm == "ectopy":
        return _shown(fit[0], told.early[0])
    if fit and told.pause:
        return _shown(fit[0], told.pause)
    for wanted in ("bad", "fair", "good"):
        for m in there:
            span = facts.span_s[m][i]
            if quality[m] == wanted and np.isfinite(span).all():
                return _shown(m, (float(span[0]), float(span[1])))
    return _shown((fit or there)[0], (0.0, SPAN_STEPS * SPAN_STEP_S))


def _shown(signal: Shown, span: Span) -> Evidence:
    first = min(max(int(np.floor(span[0] / SPAN_STEP_S + 0.5)), 0), SPAN_STEPS - 1)
    last = min(max(int(np.ceil(span[1] / SPAN_STEP_S - 0.5)), first + 1), SPAN_STEPS)
    return Evidence(signal=signal, from_s=seconds_of(first), to_s=seconds_of(last))


def _phrases(
    facts: Facts,
    i: int,
    told: Paced,
    rhythm: str,
    quality: dict[Modality, str],
    artefact: dict[Modality, str],
    source: str,
) -> list[int]:
    """Number all phrases that hold."""
    there = [m for m in MODALITIES if quality[m] != "absent"]
    pulse = float(facts.pressure[i, 0] - facts.pressure[i, 1])
    measured = source == "measured"
    holds = {
        "nothing to read": all(quality[m] in ("bad", "absent") for m in MODALITIES),
        "clean strip": bool(there)
        and all(quality[m] == "good" and artefact[m] == "none" for m in there)
        and rhythm in ("regular", "bradycardia", "tachycardia"),
        "early beat": rhythm == "ectopy" and len(told.early) == 1,
        "early beats": rhythm == "ectopy" and len(told.early) > 1,
        "long pause": told.pause is not None,
        "rates disagree": bool(facts.disagree[i]),
        "no arterial line": quality["abp"] == "absent",
        "arterial line damped": artefact["abp"] == "damped",
        "arterial line flushed": artefact["abp"] == "flush",
        "wide pulse pressure": measured and pulse > WIDE_MMHG,
        "narrow pulse pressure": measured and pulse < NARROW_MMHG,
        **{f"{m} lost in part": artefact[m] == "gap" for m in MODALITIES},
        **{
            f"{m} buried in noise": quality[m] == "bad" and artefact[m] in _NOISES
            for m in MODALITIES
        },
        **{f"{m} not there": quality[m] == "absent" for m in MODALITIES if m != "abp"},
    }
    return [_PHRASE[phrase] for phrase, held in holds.items() if held]
