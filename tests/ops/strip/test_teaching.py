"""Lessons are drawn without end, from stretches and from records with a reference."""

import numpy as np
import pytest

from ops.beats import MAX_BEATS
from ops.cuffless import CufflessRecord
from ops.stretches import Stretches
from ops.strip.reference import ReferenceStrips
from ops.strip.teaching import REFERENCED, Teaching
from schemas.restoration import F32


@pytest.fixture(scope="module")
def stretches(counts: np.ndarray) -> Stretches:
    return Stretches([CufflessRecord("a", "g", counts)])


def referenced(clean: F32, *rhythms: str) -> ReferenceStrips:
    """Windows of which people said something."""
    n = len(rhythms)
    signals = clean[:n].copy()
    signals[:, 1:] = np.nan
    beats = np.full((n, MAX_BEATS), -1, np.int16)
    beats[:, :5] = np.arange(25, 525, 100)
    return ReferenceStrips("r", signals, np.array(rhythms), beats, np.full(n, 75, np.float32))


def test_as_many_lessons_are_drawn_as_are_asked_for(stretches: Stretches, clean: F32) -> None:
    drawn = Teaching(stretches, [referenced(clean, "", "ectopy")]).draw(
        30, np.random.default_rng(0)
    )

    assert drawn.signals.shape == (30, 3, 500)
    assert len(drawn.truth) == len(drawn.given) == len(drawn.spoiled) == 30


def test_a_share_comes_from_references_which_have_no_line(stretches: Stretches, clean: F32) -> None:
    teaching = Teaching(stretches, [referenced(clean, "atrial_fibrillation")])

    drawn = teaching.draw(50, np.random.default_rng(1))

    last = drawn.signals[-round(REFERENCED * 50) :]
    assert np.isnan(last[:, 2]).all()
    assert np.isfinite(last[:, 0]).any(axis=1).all()
    said = [truth.rhythm for truth in drawn.truth]
    assert "atrial_fibrillation" not in said[: -len(last)]
    assert said.count("atrial_fibrillation") >= len(last) / 2


def test_no_signal_that_is_there_or_not_gives_a_told_rhythm_away(
    stretches: Stretches, clean: F32
) -> None:
    teaching = Teaching(stretches, [referenced(clean, "atrial_fibrillation")])
    drawn = teaching.draw(1000, np.random.default_rng(4))

    there = np.isfinite(drawn.signals).any(axis=2)
    told = np.array([truth.rhythm == "atrial_fibrillation" for truth in drawn.truth])
    alone, with_ppg = (there == [1, 0, 0]).all(axis=1), (there == [1, 1, 0]).all(axis=1)
    assert 0.1 < told[alone].mean() < 0.5
    assert 0.1 < told[with_ppg].mean() < 0.5


def test_rare_rhythms_are_seen_as_often_as_common_ones(stretches: Stretches, clean: F32) -> None:
    common = ["atrial_fibrillation"] * 30 + ["atrial_flutter"]
    teaching = Teaching(stretches, [referenced(clean, *common)])

    said = [truth.rhythm for truth in teaching.draw(400, np.random.default_rng(2)).truth]

    assert said.count("atrial_flutter") > 0.25 * REFERENCED * 400


def test_without_references_all_come_from_stretches(stretches: Stretches, clean: F32) -> None:
    nothing = referenced(clean)

    drawn = Teaching(stretches, [nothing]).draw(20, np.random.default_rng(3))

    assert len(drawn.truth) == 20
    assert "atrial_fibrillation" not in {truth.rhythm for truth in drawn.truth}


def test_the_same_generator_draws_the_same(stretches: Stretches, clean: F32) -> None:
    teaching = Teaching(stretches, [referenced(clean, "", "ectopy")])

    one, other = (teaching.draw(16, np.random.default_rng(5)) for _ in range(2))

    np.testing.assert_array_equal(one.signals, other.signals)
    assert one.truth == other.truth
    assert one.given == other.given
