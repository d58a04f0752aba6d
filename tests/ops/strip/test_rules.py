"""Rules annotate any window, the same whatever its batch, and keep what is given."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.strip.lessons import lessons
from ops.strip.rules import RulesAnnotator, facts_of
from ops.strip.score import broken, said_of
from schemas.annotator import SLOTS, AnnotateBatch, Given
from schemas.modality import MODALITIES
from schemas.restoration import F32
from schemas.template import Annotation, parse_annotation


def annotate(
    signals: F32, given: Sequence[Given] | None = None, *, calibrated: bool = True
) -> Sequence[Annotation]:
    n = len(signals)
    batch = AnnotateBatch(
        {m: signals[:, i] for i, m in enumerate(MODALITIES)},
        dict.fromkeys(MODALITIES, np.full(n, calibrated)),
        [{}] * n if given is None else given,
    )
    return RulesAnnotator().annotate(batch).annotations


def test_a_clean_strip_is_read(clean: F32) -> None:
    told = annotate(clean[:1])[0]

    assert told.rhythm == "regular"
    assert told.heart_rate == pytest.approx(75, abs=5)
    assert told.pressure.source == "measured"
    assert told.note.startswith("clean strip")


def test_nothing_at_all_is_unknown() -> None:
    told = annotate(np.full((1, 3, 500), np.nan, np.float32))[0]

    assert told.rhythm == told.heart_rate == "unknown"
    assert told.evidence.signal == "unknown"
    assert told.note == "nothing to read and no arterial line"


def test_a_gap_makes_no_pause_and_no_irregular_rhythm(clean: F32) -> None:
    x = clean[:10].copy()
    x[:, :, 150:400] = np.nan

    for told in annotate(x):
        assert told.rhythm in ("regular", "unknown")
        assert "pause" not in told.note


def test_beats_are_read_where_they_are_steadier(clean: F32) -> None:
    x = clean[:8].copy()
    facts = facts_of(
        {m: x[:, i] for i, m in enumerate(MODALITIES)},
        dict.fromkeys(MODALITIES, np.ones(8, np.bool_)),
    )
    steadier = np.array([np.diff(row[row >= 0]).std() for row in facts.beats])

    assert (steadier < 4).all()


def test_an_uncalibrated_line_has_no_pressure(clean: F32) -> None:
    told = annotate(clean[:2], calibrated=False)

    assert {annotation.pressure.source for annotation in told} == {"none"}


def test_a_window_is_annotated_the_same_whatever_its_batch(clean: F32) -> None:
    seen = lessons(clean, np.random.default_rng(3), hurt=0.8).signals

    together = annotate(seen)
    alone = [annotate(seen[i : i + 1])[0] for i in range(len(seen))]

    assert together == alone


def test_a_line_whose_pressure_is_told_to_be_measured_is_fair_at_least(clean: F32) -> None:
    x = clean[:1].copy()
    x[:, MODALITIES.index("abp")] = 0

    told = annotate(x, [{"pressure_source": "measured"}])[0]

    assert told.pressure.source == "measured"
    assert told.abp.quality == "fair"


def test_an_imputed_pressure_is_not_banded_as_it_was_measured(clean: F32) -> None:
    told = annotate(clean[:1], [{"pressure_source": "imputed"}])[0]

    assert told.pressure.band == "unknown"
    assert told.abp.quality == "unknown"
    assert "pulse pressure" not in told.note


@pytest.mark.parametrize(
    ("given", "slot", "word"),
    [
        ({"rhythm": "bradycardia"}, "heart_rate", "unknown"),
        ({"heart_rate": "40"}, "rhythm", "unknown"),
        ({"ecg_quality": "absent"}, "ecg_artefact", "none"),
        ({"abp_quality": "bad"}, "pressure_source", "none"),
        ({"pressure_band": "low"}, "pressure_source", "measured"),
        ({"pressure_source": "none"}, "pressure_band", "unknown"),
    ],
)
def test_what_speaks_against_what_is_given_gives_way(
    clean: F32, given: Given, slot: str, word: str
) -> None:
    said = said_of(annotate(clean[:1], [given])[0])

    assert said[slot] == word
    assert broken(said) == []


@pytest.mark.parametrize(
    "given",
    [
        {"rhythm": "bradycardia", "heart_rate": "90"},
        {"abp_quality": "bad", "pressure_source": "measured"},
        {"pressure_source": "none", "pressure_band": "high"},
        {"rhythm": "waltz"},
        {"note": "clean strip"},
        {"colour": "red"},
    ],
)
def test_what_is_given_and_does_not_go_together_is_told(clean: F32, given: Given) -> None:
    with pytest.raises(ValueError, match=r"given of window 1 does not go together: \{'"):
        annotate(clean[:2], [{}, given])


WORDS = {
    "rhythm": ["regular", "tachycardia", "ectopy", "unknown"],
    "heart_rate": ["75", "140", "unknown"],
    "ecg_quality": ["good", "absent", "unknown"],
    "ecg_artefact": ["none", "gap"],
    "abp_quality": ["good", "bad", "absent"],
    "abp_artefact": ["none", "damped"],
    "pressure_source": ["measured", "imputed", "none"],
    "pressure_band": ["low", "high", "unknown"],
}


@settings(max_examples=80, deadline=None)
@given(
    given=st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in WORDS.items()}),
    window=st.integers(0, 39),
)
def test_what_is_given_stays_or_is_refused(clean: F32, given: Given, window: int) -> None:
    try:
        told = annotate(clean[window : window + 1], [given])[0]
    except ValueError as refused:
        assert "does not go together" in str(refused)  # noqa: PT017
        return

    said = said_of(told)
    assert {slot: str(said[slot]) for slot in given} == dict(given)
    assert broken(said) == []


SAMPLE = st.floats(width=32) | st.sampled_from([0, 1, 90, 3e38, -3e38, 1e-38])


@settings(max_examples=60, deadline=None)
@given(
    short=hnp.arrays(np.float32, (3, 20), elements=SAMPLE),
    repeat=st.booleans(),
    calibrated=st.booleans(),
)
def test_any_signals_give_a_valid_annotation(short: F32, repeat: bool, calibrated: bool) -> None:
    x = np.tile(short, 25) if repeat else np.repeat(short, 25, axis=1)

    told = annotate(x[None], calibrated=calibrated)[0]

    assert parse_annotation(told.to_json()) == told
    assert broken(said_of(told)) == []


def test_it_is_sure_of_all_and_takes_no_step(clean: F32) -> None:
    batch = AnnotateBatch(
        {m: clean[:2, i] for i, m in enumerate(MODALITIES)},
        dict.fromkeys(MODALITIES, np.ones(2, np.bool_)),
        [{}, {}],
    )

    told = RulesAnnotator().annotate(batch)

    assert set(told.confidence) == set(SLOTS)
    assert told.steps.tolist() == [0, 0]
