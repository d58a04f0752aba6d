"""Valid annotations, and what is said in some of their slots."""

from hypothesis import strategies as st

from models.lavida.answer import said
from schemas.annotation import (
    ARTEFACTS,
    BANDS,
    MOST_PHRASES,
    OF_A_LINE,
    PHRASES,
    QUALITIES,
    RATES,
    RHYTHMS,
    SHOWN,
    SOURCES,
    SPAN_STEPS,
    UNKNOWN,
    goes,
    note_of,
    rate_fits,
    seconds_of,
    source_fits,
)
from schemas.modality import MODALITIES
from schemas.template import Annotation, Evidence, Pressure, Signal


@st.composite
def signals(draw, modality: str) -> Signal:
    quality = draw(st.sampled_from(QUALITIES))
    artefacts = [a for a in ARTEFACTS if modality == "abp" or a not in OF_A_LINE]
    artefact = draw(st.sampled_from([a for a in artefacts if goes(quality, a)]))
    return Signal(quality=quality, artefact=artefact)


@st.composite
def pressures(draw, abp: str) -> Pressure:
    source = draw(st.sampled_from([s for s in SOURCES if source_fits(abp, s)]))
    return Pressure(
        source=source, band=UNKNOWN if source == "none" else draw(st.sampled_from(BANDS))
    )


@st.composite
def evidence(draw, absent: set[str]) -> Evidence:
    signal = draw(st.sampled_from([m for m in SHOWN if m not in absent]))
    if signal == UNKNOWN:
        return Evidence()
    start = draw(st.integers(0, SPAN_STEPS - 1))
    end = draw(st.integers(start + 1, SPAN_STEPS))
    return Evidence(signal=signal, from_s=seconds_of(start), to_s=seconds_of(end))


@st.composite
def annotations(draw) -> Annotation:
    rhythm = draw(st.sampled_from(RHYTHMS))
    rates = [rate for rate in range(RATES[0], RATES[1] + 1) if rate_fits(rhythm, rate)]
    each = {m: draw(signals(m)) for m in MODALITIES}
    absent = {m for m, signal in each.items() if signal.quality == "absent"}
    phrase = st.integers(0, len(PHRASES) - 1)
    return Annotation(
        rhythm=rhythm,
        heart_rate=draw(st.just(UNKNOWN) | st.sampled_from(rates)),
        **each,
        pressure=draw(pressures(each["abp"].quality)),
        evidence=draw(evidence(absent)),
        note=note_of(draw(st.lists(phrase, max_size=MOST_PHRASES))),
    )


@st.composite
def partial_words(draw) -> dict[str, str]:
    """What is said in any of the slots of a valid annotation."""
    words = said(draw(annotations()))
    kept = draw(st.sets(st.sampled_from(sorted(words))))
    return {slot: words[slot] for slot in sorted(kept)}
