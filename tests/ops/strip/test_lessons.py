"""Lessons say what was known before, as far as it can be seen."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ops.strip.facts import annotations_of
from ops.strip.lessons import as_seen, by_modality, given_of, lessons, readings, units_known
from ops.strip.rules import facts_of
from ops.strip.score import broken, said_of
from ops.strip.spoil import Spoiled, spoil
from schemas.modality import MODALITIES
from schemas.restoration import F32
from schemas.template import Annotation

Rng = Callable[[int], np.random.Generator]


def told(clean: F32, change: Callable[[Spoiled], Spoiled], rhythm: str = "") -> list[Annotation]:
    """Tell clean windows, some of whose signals are absent, as they are seen after a change."""
    yes = np.ones(len(clean), np.bool_)
    known = facts_of(by_modality(clean), units_known(yes))
    seen = change(spoil(clean, np.random.default_rng(0), hurt=0))
    known = replace(known, rhythm=np.full(len(clean), rhythm))
    return annotations_of(as_seen(known, seen, yes))


def hidden(seen: Spoiled) -> Spoiled:
    return replace(
        seen,
        fitness=np.where(seen.fitness == "absent", "absent", "bad"),
        artefact=np.where(seen.fitness == "absent", "none", "noise"),
        legible=np.zeros_like(seen.legible),
    )


def whole(seen: Spoiled) -> Spoiled:
    return seen


def but_one_step(seen: Spoiled) -> Spoiled:
    legible = seen.legible.copy()
    legible[:, :, 3] = False
    return replace(seen, legible=legible)


def test_a_clean_window_is_told_as_it_is(clean: F32) -> None:
    for truth in told(clean, whole):
        assert truth.rhythm == "regular"
        assert truth.heart_rate == pytest.approx(75, abs=5)
        assert {truth.signal(m).quality for m in MODALITIES} <= {"good", "absent"}


def test_what_nobody_can_see_is_unknown(clean: F32) -> None:
    for truth in told(clean, hidden):
        assert truth.rhythm == "unknown"
        assert truth.heart_rate == "unknown"
        assert truth.pressure.source != "measured"
        assert truth.note.startswith("nothing to read")


@pytest.mark.parametrize("rhythm", ["ectopy", "atrial_fibrillation"])
def test_a_reference_is_believed_where_it_can_be_seen(clean: F32, rhythm: str) -> None:
    assert {truth.rhythm for truth in told(clean, whole, rhythm)} == {rhythm}
    assert {truth.rhythm for truth in told(clean, hidden, rhythm)} == {"unknown"}


def test_an_early_beat_may_lie_in_a_step_that_can_not_be_seen(clean: F32) -> None:
    assert {truth.rhythm for truth in told(clean, but_one_step, "ectopy")} == {"unknown"}
    assert {truth.rhythm for truth in told(clean, but_one_step, "atrial_flutter")} == {
        "atrial_flutter"
    }


def test_truths_break_no_rule_and_say_everything_at_times(clean: F32, rng: Rng) -> None:
    drawn = lessons(np.tile(clean, (10, 1, 1)), rng(0), hurt=0.9)

    assert all(broken(said_of(truth)) == [] for truth in drawn.truth)
    assert {"unknown", "regular"} <= {truth.rhythm for truth in drawn.truth}
    assert {"measured", "imputed", "none"} == {truth.pressure.source for truth in drawn.truth}


def test_a_pressure_is_given_as_a_pipeline_gives_it(clean: F32, rng: Rng) -> None:
    for truth in lessons(clean, rng(1)).truth:
        given = given_of(truth)

        assert given["pressure_source"] == truth.pressure.source
        assert ("pressure_band" in given) == (truth.pressure.source != "measured")


def test_a_window_is_spoiled_where_more_was_done_than_leaving_signals_out(
    clean: F32, rng: Rng
) -> None:
    assert not lessons(clean, rng(0), hurt=0).spoiled.any()
    assert lessons(clean, rng(0), hurt=1).spoiled.mean() > 0.7


def test_nobody_tells_a_pressure_whose_unit_nobody_knows(clean: F32, rng: Rng) -> None:
    drawn = lessons(np.tile(clean, (10, 1, 1)), rng(2), uncalibrated=0.5)
    kept = [truth for truth, unit in zip(drawn.truth, drawn.calibrated, strict=True) if not unit]

    assert 0.3 < drawn.calibrated.mean() < 0.7
    assert {(a.pressure.source, a.pressure.band) for a in kept} == {("none", "unknown")}
    assert "fair" in {truth.abp.quality for truth in kept}


def test_what_is_read_is_of_what_is_seen_not_of_what_was_known(clean: F32, rng: Rng) -> None:
    drawn = lessons(np.tile(clean, (10, 1, 1)), rng(0), hurt=0.9, uncalibrated=0.3)
    read = readings(drawn)
    units = units_known(drawn.calibrated)

    assert read == annotations_of(facts_of(by_modality(drawn.signals), units))
    assert read != drawn.truth
    assert all(a.pressure.source != "imputed" for a in read)


def test_the_same_generator_teaches_the_same(clean: F32, rng: Rng) -> None:
    one, other = (lessons(clean, rng(4)) for _ in range(2))

    np.testing.assert_array_equal(one.signals, other.signals)
    assert one.truth == other.truth
