"""What is known of windows, and the annotations that follow from it.

Shapes: B windows, K beats, S = 20 steps of 0.2 s.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops.strip.remarks import Window, evidence_of, remarks_of
from ops.strip.rhythm import Span, paced
from schemas.annotation import RATES, UNKNOWN, band_of, goes, rate_fits, source_fits
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32
from schemas.template import Annotation, Pressure, Signal

Words = NDArray[np.str_]


@dataclass(frozen=True)
class Facts:
    """What is known of B windows.

    Attributes:
        beats: (B, K) sample of each beat, padded with -1.
        rate: (B,) beats/min, NaN where it can't be told.
        rhythm: (B,) by a reference; empty where the beats' times decide.
        legible: (B, S) in which steps a beat would have been seen in some signal.
        rates: (B,) a modality, its own rate in beats/min, NaN where it can't be told.
        quality: (B,) a modality.
        artefact: (B,) a modality.
        span_s: (B, 2) a modality, seconds between which the artefact lies, NaN where there is none.
        pressure: (B, 3) systolic, diastolic and mean pressure in mmHg, NaN where unknown.
        source: (B,) where the pressure is from.
    """

    beats: NDArray[np.int16]
    rate: F32
    rhythm: Words
    legible: NDArray[np.bool_]
    rates: dict[Modality, F32]
    quality: dict[Modality, Words]
    artefact: dict[Modality, Words]
    span_s: dict[Modality, F32]
    pressure: F32
    source: Words


def annotations_of(facts: Facts) -> list[Annotation]:
    """Fill the template of each window with what is known of it; what does not go together isn't.

    An absent signal has no artefact, a rate that a rhythm can't have leaves that unknown, and a
    pressure that can't come from where it is said to comes from nowhere.
    """
    return [_annotation(facts, i) for i in range(len(facts.rate))]


def _annotation(facts: Facts, i: int) -> Annotation:
    abp, source = str(facts.quality["abp"][i]), str(facts.source[i])
    source = source if source_fits(abp, source) else "none"
    band = band_of(*(float(p) for p in facts.pressure[i])) if source != "none" else UNKNOWN
    window = _window(facts, i, measured=source == "measured")
    return Annotation.model_validate(
        {
            "rhythm": window.rhythm,
            "heart_rate": UNKNOWN if window.rate is None else window.rate,
            **{m: _signal(window, m) for m in MODALITIES},
            "pressure": Pressure.model_validate({"band": band, "source": source}),
            "evidence": evidence_of(window),
            "note": remarks_of(window),
        }
    )


def _window(facts: Facts, i: int, *, measured: bool) -> Window:
    told = paced(facts.beats[i], float(facts.rate[i]), facts.legible[i])
    rate = _whole(float(facts.rate[i])) if told.told else None
    rhythm = str(facts.rhythm[i]) or told.rhythm
    quality = {m: str(facts.quality[m][i]) for m in MODALITIES}
    systolic, diastolic, _ = (float(p) for p in facts.pressure[i])
    return Window(
        rhythm=rhythm if rate is None or rate_fits(rhythm, rate) else UNKNOWN,
        rate=rate,
        told=told,
        quality=quality,
        artefact={m: _artefact(quality[m], str(facts.artefact[m][i])) for m in MODALITIES},
        span_s={m: _span(facts.span_s[m][i]) for m in MODALITIES},
        rates=tuple(float(facts.rates[m][i]) for m in MODALITIES),
        pulse=systolic - diastolic if measured else float("nan"),
    )


def _whole(rate: float) -> int | None:
    """Round to whole beats/min; none beyond what is told."""
    low, high = RATES
    return round(rate) if low <= rate <= high else None


def _span(between: F32) -> Span:
    return float(between[0]), float(between[1])


def _artefact(quality: str, artefact: str) -> str:
    return artefact if goes(quality, artefact) else "none"


def _signal(window: Window, modality: Modality) -> Signal:
    told = {"quality": window.quality[modality], "artefact": window.artefact[modality]}
    return Signal.model_validate(told)
