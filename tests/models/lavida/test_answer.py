import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lavida.answer import (
    AT,
    FIXED,
    LENGTH,
    SLOT_NAMES,
    annotation_of,
    answer_of,
    grammar,
    said,
    words_of,
)
from models.lavida.words import END, FILLED, KEYS, MASK, SHORTER, TOKEN, WORDS
from schemas.annotation import NOTE_WORDS
from schemas.template import Annotation, Evidence, Pressure, Signal, parse_annotation
from tests.models.lavida.annotations import annotations, partial_words

NOTE = [slot for slot in SLOT_NAMES if slot.startswith("note")]


def agrees(answer: list[int]) -> bool:
    """Say whether a whole answer is in the grammar."""
    return bool(grammar().allowed(torch.tensor([answer])).any())


def is_valid(words: dict[str, str]) -> bool:
    """Say whether the template may be filled so, and would be said so."""
    try:
        return said(annotation_of(words)) == words
    except ValueError:
        return False


def best(answer: list[int], seed: int) -> list[int]:
    """The best answer that agrees, whatever is thought likely."""
    logits = 5 * torch.randn(1, LENGTH, len(WORDS), generator=torch.Generator().manual_seed(seed))
    return grammar().best(logits, torch.tensor([answer]))[0].tolist()


def test_an_answer_is_said_in_slots_between_fixed_words() -> None:
    annotation = Annotation(
        rhythm="tachycardia",
        heart_rate=120,
        ecg=Signal(quality="good", artefact="none"),
        abp=Signal(quality="fair", artefact="damped"),
        pressure=Pressure(band="low", source="measured"),
        evidence=Evidence(signal="abp", from_s=0.6, to_s=1.8),
        note="early beat and arterial line damped",
    )
    answer = answer_of(said(annotation))

    assert " ".join(WORDS[token] for token in answer) == (
        "rhythm tachycardia heart_rate 1 2 0 ecg good none ppg unknown unknown abp fair damped"
        " pressure low measured evidence abp @3 @9"
        " note early beat and arterial line damped [S] [S] [S] [FIM] [END]"
    )


@settings(deadline=None)
@given(annotations())
def test_every_valid_annotation_comes_back_from_its_answer(annotation) -> None:
    answer = answer_of(said(annotation))

    assert annotation_of(words_of(answer)) == annotation
    assert agrees(answer)
    assert parse_annotation(annotation.to_json()) == annotation


@settings(deadline=None)
@given(annotations(), st.sampled_from(SLOT_NAMES), st.sampled_from(WORDS))
def test_the_grammar_allows_what_the_template_does_and_nothing_else(annotation, slot, word) -> None:
    words = said(annotation) | {slot: word}

    assert agrees(answer_of(words)) == is_valid(words)


@settings(deadline=None)
@given(annotations(), annotations(), st.sets(st.sampled_from(SLOT_NAMES)))
def test_of_two_annotations_mixed_the_grammar_allows_what_the_template_does(a, b, of_b) -> None:
    words = said(a) | {slot: said(b)[slot] for slot in of_b}

    assert agrees(answer_of(words)) == is_valid(words)


@settings(deadline=None)
@given(partial_words(), st.integers(0, 2**31))
def test_what_is_given_stays_and_what_comes_out_is_valid(words, seed) -> None:
    answer = best(answer_of(words), seed)
    annotation = annotation_of(words_of(answer))

    assert words.items() <= words_of(answer).items()
    assert said(annotation) == words_of(answer)
    assert parse_annotation(annotation.to_json()) == annotation


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_fixed_words_are_in_their_places(seed) -> None:
    answer = best([-1] * LENGTH, seed)

    assert {i: answer[i] for i in FIXED} == FIXED
    assert [WORDS[token] for token in FIXED.values()] == [*KEYS, FILLED, END]


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_shorter_is_said_at_the_end_of_a_note_alone(seed) -> None:
    words = words_of(best([-1] * LENGTH, seed))
    note = [words[slot] for slot in NOTE]
    n = note.count(SHORTER)

    assert note[NOTE_WORDS - n :] == [SHORTER] * n
    assert list(words.values()).count(SHORTER) == n


def test_a_note_may_shrink_to_one_word_and_fill_all_its_slots() -> None:
    allowed = grammar().allowed(torch.tensor([answer_of({})]))[0, :, TOKEN[SHORTER]]

    assert [slot for slot in SLOT_NAMES if allowed[AT[slot]]] == NOTE[1:]


def test_a_mask_is_no_word_of_the_grammar() -> None:
    allowed = grammar().allowed(torch.full((1, LENGTH), -1))

    assert not allowed[0, :, TOKEN[MASK]].any()


@pytest.mark.parametrize(
    "words",
    [
        {"rhythm": "bradycardia", "hundreds": "1"},
        {"hundreds": "0", "tens": "1"},
        {"hundreds": "unknown", "units": "4"},
        {"ppg_artefact": "damped"},
        {"ecg_quality": "absent", "ecg_artefact": "noise"},
        {"ecg_quality": "absent", "signal": "ecg"},
        {"abp_quality": "good", "source": "imputed"},
        {"abp_quality": "bad", "source": "measured"},
        {"source": "none", "band": "low"},
        {"from": "@9", "to": "@9"},
        {"from": "@20"},
        {"signal": "unknown", "from": "@0"},
        {"note_0": SHORTER},
        {"note_0": "clean", "note_1": "pause"},
        {"rhythm": MASK},
    ],
    ids=lambda words: " ".join(f"{slot}={word}" for slot, word in words.items()),
)
def test_slots_that_do_not_go_together_are_refused(words) -> None:
    with pytest.raises(ValueError, match="no answer agrees with what is given in row 0"):
        best(answer_of(words), 0)
