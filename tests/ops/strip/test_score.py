"""Slots are judged as a reader would, and rules between them find what speaks against itself."""

import math
from typing import Any

import pytest

from ops.strip.score import WORDED, accuracy, broken, consistent, macro_f1, said_of
from schemas.annotator import SLOTS
from schemas.template import Annotation, Evidence, Pressure, Signal


def said(**told: Any) -> dict[str, Any]:
    """What is said of a clean strip; what is told takes its place."""
    good = Signal(quality="good", artefact="none")
    strip = Annotation(
        rhythm="regular",
        heart_rate=75,
        ecg=good,
        ppg=good,
        abp=good,
        pressure=Pressure(band="normal", source="measured"),
        evidence=Evidence(signal="ecg", from_s=0.0, to_s=4.0),
        note="clean strip",
    )
    return {**said_of(strip), **told}


def test_what_is_said_has_every_slot() -> None:
    assert set(said()) == set(SLOTS)


@pytest.mark.parametrize(("rate", "right"), [(80, 1), (81, 0), (70, 1), ("unknown", 0)])
def test_a_rate_is_right_within_five_beats(rate: object, right: float) -> None:
    assert accuracy([said()], [said(heart_rate=rate)])["heart_rate"] == right


@pytest.mark.parametrize(
    ("span", "right"),
    [
        (("ecg", 0.0, 2.0), 1),
        (("ecg", 0.0, 1.8), 0),
        (("ppg", 0.0, 4.0), 0),
        (("unknown", "unknown", "unknown"), 0),
    ],
)
def test_evidence_is_right_where_half_of_both_is_shared(
    span: tuple[Any, Any, Any], right: float
) -> None:
    assert accuracy([said()], [said(evidence=span)])["evidence"] == right


def test_an_unknown_span_is_right_where_nothing_is_to_be_shown() -> None:
    nothing = said(evidence=("unknown", "unknown", "unknown"))

    assert accuracy([nothing], [nothing])["evidence"] == 1


def test_f1_is_the_mean_over_words_that_are_true_somewhere() -> None:
    truth = [said(), said(), said(rhythm="ectopy")]
    told = [said(), said(rhythm="irregular"), said(rhythm="ectopy")]

    f1 = macro_f1(truth, told)

    assert f1["rhythm"] == pytest.approx((2 / 3 + 1) / 2)
    assert f1["ecg_quality"] == 1


def test_no_windows_have_no_score() -> None:
    assert all(math.isnan(value) for value in accuracy([], []).values())
    assert all(math.isnan(value) for value in macro_f1([], []).values())


def test_as_much_must_be_said_as_is_true() -> None:
    with pytest.raises(ValueError, match="zip"):
        accuracy([said()], [])


def test_a_clean_strip_is_of_one_mind() -> None:
    assert consistent(said())


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ({"heart_rate": 50}, "rate"),
        ({"note": "early beat"}, "early"),
        ({"note": "early beat and early beats", "rhythm": "ectopy"}, "early"),
        ({"rhythm": "irregular"}, "clean"),
        ({"ecg_artefact": "gap"}, "clean"),
        ({"note": "clean strip and long pause"}, "clean"),
        ({"note": "nothing to read"}, "nothing"),
        ({"note": "wide pulse pressure", "pressure_source": "none"}, "pulse"),
        ({"note": "wide pulse pressure and narrow pulse pressure"}, "pulse"),
        ({"note": "no arterial line"}, "line"),
        ({"note": "arterial line damped"}, "damped"),
        ({"note": "arterial line flushed"}, "flushed"),
        ({"pressure_source": "imputed"}, "source"),
        ({"abp_quality": "bad", "note": "unknown"}, "source"),
        ({"pressure_source": "none"}, "band"),
        ({"ecg_quality": "absent"}, "evidence"),
        ({"note": "ppg lost in part"}, "ppg lost"),
        ({"note": "ppg buried in noise", "ppg_artefact": "noise"}, "ppg noise"),
        ({"note": "ppg not there"}, "ppg there"),
        ({"ppg_quality": "absent", "ppg_artefact": "gap", "note": "unknown"}, "ppg absent"),
        ({"note": "all is well"}, "note"),
    ],
)  # fmt: skip
def test_each_rule_is_broken_by_what_speaks_against_it(told: dict[str, Any], rule: str) -> None:
    assert rule in broken(said(**told))


@pytest.mark.parametrize("slot", [*WORDED, "heart_rate"])
def test_what_is_unknown_breaks_no_rule(slot: str) -> None:
    unknown = {slot: "unknown"}
    if slot == "pressure_source":
        unknown = {"pressure_source": "none", "pressure_band": "unknown"}

    assert broken(said(**unknown)) == []
