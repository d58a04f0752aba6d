from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.annotation import (
    MOST_PHRASES,
    NOTE_WORDS,
    PHRASES,
    SPAN_STEPS,
    band_of,
    goes,
    note_of,
    phrases_of,
    rate_fits,
    seconds_of,
    source_fits,
    step_of,
)

numbers = st.integers(0, len(PHRASES) - 1)


@pytest.mark.parametrize(
    ("pressure", "band"),
    [
        ((120, 80, 93), "normal"),
        ((89.9, 60, 70), "low"),
        ((90, 60, 70), "normal"),
        ((100, 50, 64.9), "low"),
        ((100, 50, 65), "normal"),
        ((140, 70, 93), "high"),
        ((139.9, 89.9, 99), "normal"),
        ((120, 90, 100), "high"),
        ((150, 40, 60), "low"),
        ((nan, 80, 93), "unknown"),
        ((120, nan, 93), "unknown"),
        ((120, 80, nan), "unknown"),
    ],
)
def test_a_pressure_has_a_band(pressure, band) -> None:
    assert band_of(*pressure) == band


@pytest.mark.parametrize(
    ("rhythm", "fitting", "other"),
    [
        ("bradycardia", [20, 59], [60, 100, 101]),
        ("regular", [60, 100], [59, 101]),
        ("tachycardia", [101, 300], [59, 60, 100]),
        ("atrial_fibrillation", [20, 80, 300], []),
        ("unknown", [20, 80, 300], []),
    ],
)
def test_a_rhythm_has_rates_that_fit_it(rhythm, fitting, other) -> None:
    assert all(rate_fits(rhythm, rate) for rate in fitting)
    assert not any(rate_fits(rhythm, rate) for rate in other)


def test_what_is_absent_has_no_artefact() -> None:
    assert goes("absent", "none")
    assert goes("absent", "unknown")
    assert not goes("absent", "gap")
    assert goes("bad", "gap")


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("measured", {"good", "fair", "unknown"}),
        ("imputed", {"fair", "bad", "absent", "unknown"}),
        ("none", {"good", "fair", "bad", "absent", "unknown"}),
    ],
)
def test_a_pressure_comes_from_where_its_line_allows(source, lines) -> None:
    every = ("good", "fair", "bad", "absent", "unknown")

    assert {line for line in every if source_fits(line, source)} == lines


@pytest.mark.parametrize("step", range(SPAN_STEPS + 1))
def test_a_step_of_the_evidence_comes_back_from_its_time(step) -> None:
    assert step_of(seconds_of(step)) == step
    assert step_of(seconds_of(step) + 0.09) == step


def test_steps_of_the_evidence_go_from_the_window_s_start_to_its_end() -> None:
    assert (seconds_of(0), seconds_of(1), seconds_of(SPAN_STEPS)) == (0.0, 0.2, 4.0)


@given(st.lists(numbers))
def test_a_note_says_its_first_phrases_in_their_order(phrases) -> None:
    note = note_of(phrases)

    assert phrases_of(note) == sorted(set(phrases))[:MOST_PHRASES]
    assert len(note.split()) <= NOTE_WORDS


def test_a_note_of_nothing_is_unknown() -> None:
    assert note_of([]) == "unknown"
    assert phrases_of("unknown") == []


def test_phrases_are_joined_by_and() -> None:
    assert note_of([7, 2]) == "early beat and arterial line damped"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "all is well",
        "early beat early beats",
        "arterial line damped and early beat",
        "early beat and early beat",
        "early beat and long pause and rates disagree",
        "early beat and ",
        "Early beat",
        "unknown and early beat",
    ],
)
def test_any_other_note_is_refused_in_one_sentence(note) -> None:
    with pytest.raises(ValueError, match=r"^a note is at most 2 known phrases in their order, got"):
        phrases_of(note)


def test_a_long_note_is_told_by_its_beginning() -> None:
    with pytest.raises(ValueError, match="got 'xxx") as refused:
        phrases_of("x" * 10_000)

    assert len(str(refused.value)) < 200
