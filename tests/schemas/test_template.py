import json

import pytest
from hypothesis import given

from schemas.template import Annotation, Evidence, Pressure, Signal, parse_annotation
from tests.models.lavida.annotations import annotations


def refused(text: str) -> str:
    """What is said of a template that is refused."""
    with pytest.raises(ValueError, match=r"\w: ") as error:
        parse_annotation(text)
    return str(error.value)


def test_of_nothing_said_all_is_unknown() -> None:
    annotation = parse_annotation("{}")

    assert annotation == Annotation()
    assert (annotation.rhythm, annotation.heart_rate, annotation.note) == ("unknown",) * 3
    assert annotation.signal("abp") == Signal(quality="unknown", artefact="unknown")
    assert annotation.pressure == Pressure(band="unknown", source="none")
    assert annotation.evidence == Evidence(signal="unknown", from_s="unknown", to_s="unknown")


def test_a_template_is_written_with_all_its_slots() -> None:
    written = json.loads(Annotation(rhythm="regular", heart_rate=72).to_json())

    assert list(written) == [
        *("rhythm", "heart_rate", "ecg", "ppg", "abp", "pressure", "evidence", "note")
    ]
    assert (written["rhythm"], written["heart_rate"]) == ("regular", 72)
    assert written["evidence"] == {"signal": "unknown", "from_s": "unknown", "to_s": "unknown"}


@given(annotations())
def test_an_annotation_is_read_as_it_was_written(annotation) -> None:
    assert parse_annotation(annotation.to_json()) == annotation


@pytest.mark.parametrize("text", ["", "{", "rhythm: regular", '{"rhythm": regular}', "{} {}"])
def test_what_is_no_json_is_refused(text) -> None:
    assert refused(text).startswith("an annotation is JSON text: ")


@pytest.mark.parametrize("text", ["[]", "null", "3", '"regular"'])
def test_json_that_is_no_object_is_refused(text) -> None:
    assert refused(text).startswith("template: ")


@pytest.mark.parametrize(
    ("template", "slot"),
    [
        ({"rythm": "regular"}, "rythm: "),
        ({"ecg": {"grade": "good"}}, "ecg.grade: "),
        ({"evidence": {"until_s": 2.0}}, "evidence.until_s: "),
    ],
)
def test_a_slot_that_is_not_of_the_template_is_refused_by_name(template, slot) -> None:
    assert refused(json.dumps(template)) == f"{slot}Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("template", "slot"),
    [
        ({"rhythm": "samba"}, "rhythm"),
        ({"heart_rate": 19}, "heart_rate"),
        ({"heart_rate": 301}, "heart_rate"),
        ({"heart_rate": "fast"}, "heart_rate"),
        ({"heart_rate": 72.5}, "heart_rate"),
        ({"abp": {"quality": "fine"}}, "abp.quality"),
        ({"ppg": {"artefact": "dirt"}}, "ppg.artefact"),
        ({"pressure": {"band": "120/80"}}, "pressure.band"),
        ({"pressure": {"source": "guessed"}}, "pressure.source"),
        ({"evidence": {"signal": "eeg"}}, "evidence.signal"),
        ({"evidence": {"from_s": "early"}}, "evidence.from_s"),
        ({"note": 3}, "note"),
    ],
)
def test_a_word_that_a_slot_does_not_have_is_refused_by_the_slot_s_name(template, slot) -> None:
    assert refused(json.dumps(template)).startswith(slot)


EVIDENCE = {"signal": "ecg", "from_s": 0.4, "to_s": 2.0}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            {"ecg": {"quality": "absent", "artefact": "gap"}},
            "ecg: a signal that is absent has no artefact, got gap",
        ),
        (
            {"ppg": {"artefact": "damped"}},
            "ppg can't be damped: that is of an arterial line",
        ),
        (
            {"rhythm": "regular", "heart_rate": 40},
            "a rate of 40 is no regular rhythm",
        ),
        (
            {"pressure": {"band": "low"}},
            "pressure: a pressure from nowhere has no band, got low",
        ),
        (
            {"pressure": {"source": "imputed"}, "abp": {"quality": "good"}},
            "a pressure can't be imputed where abp is good",
        ),
        (
            {"pressure": {"source": "measured"}, "abp": {"quality": "absent"}},
            "a pressure can't be measured where abp is absent",
        ),
        (
            {"evidence": {"from_s": 0.4}},
            "evidence: a span of no signal is unknown",
        ),
        (
            {"evidence": EVIDENCE | {"to_s": "unknown"}},
            "evidence: evidence in ecg has a span, got 0.4 to unknown",
        ),
        (
            {"evidence": EVIDENCE | {"to_s": 0.4}},
            "evidence: evidence must be a span in steps of 0.2 s, got 0.4 to 0.4 s",
        ),
        (
            {"evidence": EVIDENCE | {"to_s": 4.2}},
            "evidence.to_s: Input should be less than or equal to 4",
        ),
        (
            {"evidence": EVIDENCE, "ecg": {"quality": "absent"}},
            "there is no evidence in ecg, which is absent",
        ),
        (
            {"note": "all is well"},
            "a note is at most 2 known phrases in their order, got 'all is well'",
        ),
    ],
)
def test_slots_that_do_not_go_together_are_refused_in_one_sentence(template, said) -> None:
    message = refused(json.dumps(template))

    assert message.endswith(said)
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    [
        '{"evidence": {"signal": "ecg", "from_s": NaN, "to_s": 1.0}}',
        '{"evidence": {"signal": "ecg", "from_s": 0.0, "to_s": Infinity}}',
        '{"evidence": {"signal": "ecg", "from_s": 0.1, "to_s": 1.0}}',
        '{"heart_rate": 900}',
        "[" * 100_000,
    ],
)
def test_numbers_and_nesting_out_of_reach_are_refused_in_one_sentence(text) -> None:
    with pytest.raises(ValueError, match=r"^(evidence|heart_rate|an annotation is JSON text).*"):
        parse_annotation(text)
