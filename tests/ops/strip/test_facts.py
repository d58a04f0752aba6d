"""Whatever is known, the annotation that follows is valid and of one mind."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.beats import MAX_BEATS
from ops.strip.facts import Facts, annotations_of
from ops.strip.score import broken, said_of
from schemas.annotation import ARTEFACTS, OF_A_LINE, QUALITIES, RHYTHMS, SOURCES, SPAN_STEPS
from schemas.modality import MODALITIES, Modality
from schemas.template import Annotation, parse_annotation


def known(**told: Any) -> Facts:
    """One window of three good signals at 75 beats/min; what is told takes the place of that."""
    beats = np.full((1, MAX_BEATS), -1, np.int16)
    at = told.pop("beats", range(25, 500, 100))
    beats[0, : len(at)] = at
    rate = told.pop("rate", 75.0)
    each = {
        "rates": rate,
        "quality": "good",
        "artefact": "none",
        "span_s": (np.nan, np.nan),
    }
    by_modality = {
        name: {m: np.array([told.get(f"{m}_{name}", usual)]) for m in MODALITIES}
        for name, usual in each.items()
    }
    return Facts(
        beats=beats,
        rate=np.array([rate], np.float32),
        rhythm=np.array([told.get("rhythm", "")]),
        legible=np.array([told.get("legible", [True] * SPAN_STEPS)]),
        pressure=np.array([told.get("pressure", (120, 80, 93))], np.float32),
        source=np.array([told.get("source", "measured")]),
        **by_modality,
    )


def told(**facts: Any) -> Annotation:
    return annotations_of(known(**facts))[0]


def test_a_clean_strip_is_shown_whole() -> None:
    strip = told()

    assert (strip.rhythm, strip.heart_rate) == ("regular", 75)
    assert strip.pressure.band == "normal"
    assert (strip.evidence.signal, strip.evidence.from_s, strip.evidence.to_s) == ("ecg", 0, 4)
    assert strip.note == "clean strip"


def test_an_early_beat_is_shown_before_any_artefact() -> None:
    strip = told(
        beats=(25, 125, 225, 285, 425), ppg_artefact="gap", ppg_quality="bad", ppg_span_s=(1, 2)
    )

    assert strip.rhythm == "ectopy"
    assert (strip.evidence.signal, strip.evidence.from_s, strip.evidence.to_s) == ("ecg", 1.8, 2.6)
    assert strip.note == "early beat and ppg lost in part"


def test_the_worst_artefact_is_shown() -> None:
    strip = told(
        ecg_artefact="noise", ecg_quality="fair", ecg_span_s=(0, 1),
        abp_artefact="flush", abp_quality="bad", abp_span_s=(2.02, 3.1),
    )  # fmt: skip

    assert (strip.evidence.signal, strip.evidence.from_s, strip.evidence.to_s) == ("abp", 2, 3)


def test_a_window_without_any_signal_has_nothing_to_show() -> None:
    strip = told(ecg_quality="absent", ppg_quality="absent", abp_quality="absent", rate=np.nan)

    assert strip.evidence.signal == "unknown"
    assert strip.note == "nothing to read and no arterial line"


def test_a_rate_that_no_interval_was_watched_for_is_unknown() -> None:
    strip = told(legible=[False] * SPAN_STEPS)

    assert (strip.rhythm, strip.heart_rate) == ("unknown", "unknown")


@pytest.mark.parametrize(("rate", "said"), [(19.0, "unknown"), (301.0, "unknown"), (20.0, 20)])
def test_a_rate_beyond_what_is_told_is_unknown(rate: float, said: object) -> None:
    assert told(rate=rate).heart_rate == said


def test_signals_that_disagree_are_no_clean_strip() -> None:
    assert told(ppg_rates=90.0).note == "rates disagree"


@pytest.mark.parametrize(
    ("pressure", "note"),
    [((150, 70, 97), "clean strip and wide"), ((90, 70, 77), "clean strip and narrow")],
)
def test_a_pulse_pressure_is_remarked_of_a_measured_line_alone(
    pressure: tuple[float, float, float], note: str
) -> None:
    imputed = {"source": "imputed", "abp_quality": "bad"}

    assert told(pressure=pressure).note == f"{note} pulse pressure"
    assert "pulse pressure" not in told(pressure=pressure, **imputed).note


def test_a_pressure_of_a_line_that_can_not_have_it_comes_from_nowhere() -> None:
    strip = told(abp_quality="bad")

    assert (strip.pressure.source, strip.pressure.band) == ("none", "unknown")


def artefact_of(modality: Modality) -> st.SearchStrategy[str]:
    return st.sampled_from([a for a in ARTEFACTS if modality == "abp" or a not in OF_A_LINE])


ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
FACTS = {
    "beats": st.lists(st.integers(0, 499), unique=True, max_size=MAX_BEATS).map(sorted),
    "rate": ANY | st.floats(20, 300),
    "rhythm": st.sampled_from(["", *RHYTHMS]),
    "legible": st.lists(st.booleans(), min_size=SPAN_STEPS, max_size=SPAN_STEPS),
    "pressure": st.tuples(ANY, ANY, ANY) | st.just((160, 60, 90)),
    "source": st.sampled_from(SOURCES),
    **{f"{m}_rates": ANY for m in MODALITIES},
    **{f"{m}_quality": st.sampled_from(QUALITIES) for m in MODALITIES},
    **{f"{m}_artefact": artefact_of(m) for m in MODALITIES},
    **{f"{m}_span_s": st.tuples(ANY, ANY) for m in MODALITIES},
}


@settings(max_examples=300, deadline=None)
@given(facts=st.fixed_dictionaries({}, optional=FACTS))
def test_any_facts_make_a_valid_annotation_that_breaks_no_rule(facts: dict[str, Any]) -> None:
    strip = annotations_of(known(**facts))[0]

    assert parse_annotation(strip.to_json()) == strip
    assert broken(said_of(strip)) == []
