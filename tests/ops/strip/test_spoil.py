"""What is said to have been done to a window was done, shows, and lies where it is said to."""

from collections.abc import Callable

import numpy as np
import pytest

from ops.strip.fitness import FAIR_DB, GOOD_DB, NOTICED_DB, WANDER_DB, ranges, told
from ops.strip.spoil import KINDS, Spoiled, spoil
from schemas.modality import MODALITIES
from schemas.restoration import F32

Rng = Callable[[int], np.random.Generator]


@pytest.fixture(scope="module")
def many(clean: F32) -> tuple[F32, Spoiled]:
    """600 windows, most of them spoiled."""
    whole = np.tile(clean, (15, 1, 1))
    return whole, spoil(whole, np.random.default_rng(0), hurt=0.9)


def test_every_artefact_of_every_modality_is_made(many: tuple[F32, Spoiled]) -> None:
    _, seen = many

    for i, m in enumerate(MODALITIES):
        assert set(seen.artefact[:, i]) == {"none", *KINDS[m]}


def test_one_signal_at_least_is_there(many: tuple[F32, Spoiled]) -> None:
    _, seen = many

    assert (seen.fitness != "absent").any(axis=1).all()
    absent = seen.fitness == "absent"
    assert np.isnan(seen.signals[absent]).all()
    assert (seen.artefact[absent] == "none").all()


def test_a_span_lies_in_the_window_and_only_an_artefact_has_one(
    many: tuple[F32, Spoiled],
) -> None:
    _, seen = many

    spanned = np.isfinite(seen.span_s).all(axis=2)
    np.testing.assert_array_equal(spanned, seen.artefact != "none")
    spans = seen.span_s[spanned]
    assert (spans[:, 0] < spans[:, 1]).all()
    assert ((spans >= 0) & (spans <= 4)).all()


@pytest.mark.parametrize("kind", ["flat", "flush"])
def test_a_level_stretch_lasts_long_enough_to_be_seen_and_is_level(
    many: tuple[F32, Spoiled], kind: str
) -> None:
    _, seen = many

    for row, span in zip(
        seen.signals[seen.artefact == kind], seen.span_s[seen.artefact == kind], strict=True
    ):
        begin, end = np.round(span * 125).astype(int)
        assert end - begin >= 25
        assert np.ptp(row[begin:end]) == 0


def test_a_saturated_signal_is_held_for_long_enough_to_be_seen(
    many: tuple[F32, Spoiled],
) -> None:
    clean, seen = many
    rows = seen.artefact == "saturated"

    changed = (seen.signals[rows] != clean[rows]).sum(axis=1)

    assert (changed >= 25).all()
    assert (seen.fitness[rows][changed >= 0.2 * 500] == "bad").all()


def test_what_does_not_show_was_not_done(many: tuple[F32, Spoiled]) -> None:
    clean, seen = many
    rows = (seen.artefact == "none") & (seen.fitness != "absent")

    ratio_db, missing = told(clean, seen.signals)

    assert (ratio_db[rows] > NOTICED_DB - WANDER_DB).all()
    assert (missing[rows] == 0).all()


def test_noise_is_as_loud_as_its_quality_says(many: tuple[F32, Spoiled]) -> None:
    clean, seen = many
    ratio_db, _ = told(clean, seen.signals)
    noisy = np.isin(seen.artefact, ("noise", "movement", "damped"))

    assert (ratio_db[noisy & (seen.fitness == "good")] >= GOOD_DB).all()
    assert (ratio_db[noisy & (seen.fitness == "bad")] < FAIR_DB).all()


def test_a_gap_is_fair_up_to_three_fifths_of_the_window(many: tuple[F32, Spoiled]) -> None:
    _, seen = many
    gap = seen.artefact == "gap"

    missing = np.isnan(seen.signals[gap]).mean(axis=1)

    np.testing.assert_array_equal(seen.fitness[gap] == "bad", missing > 0.6)
    assert (missing > 0.02).all()


def test_the_ratio_of_a_sine_to_noise_of_its_own_power_is_nothing() -> None:
    sine = np.sin(2 * np.pi * np.arange(500) / 100, dtype=np.float32)[None, None]
    shifted = np.roll(sine, 25, axis=2)

    ratio_db, _ = told(sine, sine + shifted)

    assert ratio_db.item() == pytest.approx(0, abs=0.1)


def test_a_change_of_level_alone_is_no_noise(clean: F32) -> None:
    ratio_db, missing = told(clean.astype(np.float64), clean + 1.0)

    assert (ratio_db > 60).all()
    assert (missing == 0).all()


def test_a_range_leaves_the_extremes_out_and_nothing_has_none() -> None:
    ramp = np.arange(501, dtype=np.float32)[None]

    assert ranges(ramp).item() == 480
    assert ranges(np.full((1, 500), np.nan, np.float32)).item() == 0


def test_the_same_generator_spoils_the_same(clean: F32, rng: Rng) -> None:
    one, other = (spoil(clean, rng(7)) for _ in range(2))

    np.testing.assert_array_equal(one.signals, other.signals)
    np.testing.assert_array_equal(one.artefact, other.artefact)


def test_nothing_is_hurt_where_nothing_is_to_be(clean: F32, rng: Rng) -> None:
    seen = spoil(clean, rng(1), hurt=0)

    there = np.isfinite(seen.signals)
    assert (seen.artefact == "none").all()
    np.testing.assert_array_equal(seen.signals[there], clean[there])
