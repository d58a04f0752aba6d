"""A beat is legible where it stands out from what was done there."""

import numpy as np

from ops.strip.legible import legible
from schemas.modality import MODALITIES
from schemas.restoration import F32


def test_what_was_left_alone_is_legible_throughout(clean: F32) -> None:
    assert legible(clean, clean).all()


def test_an_absent_signal_tells_nothing(clean: F32) -> None:
    seen = clean.copy()
    seen[:, 1] = np.nan

    told = legible(clean, seen)

    assert not told[:, MODALITIES.index("ppg")].any()
    assert told[:, MODALITIES.index("ecg")].all()


def test_a_gap_hides_the_steps_that_it_takes_more_than_half_of(clean: F32) -> None:
    seen = clean.copy()
    seen[:, :, 100:160] = np.nan

    told = legible(clean, seen)

    assert not told[:, :, 4:6].any()
    assert told[:, :, :4].all()
    assert told[:, :, 6:].all()


def test_a_level_line_hides_the_beats_on_it(clean: F32) -> None:
    seen = clean.copy()
    seen[:, 0, 100:350] = 0

    told = legible(clean, seen)[:, 0]

    assert not told[:, 4:14].any()
    assert told[:, 16:].all()


def test_noise_as_high_as_the_beats_hides_them_and_weak_noise_does_not(clean: F32) -> None:
    white = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    height = np.ptp(clean, axis=2, keepdims=True)

    assert legible(clean, clean + 2 * height * white).mean() < 0.05
    assert legible(clean, clean + 0.02 * height * white).all()


def test_a_line_that_wanders_hides_nothing(clean: F32) -> None:
    wander = np.sin(2 * np.pi * 0.2 * np.arange(500) / 125).astype(np.float32)

    assert legible(clean, clean + np.ptp(clean, axis=2, keepdims=True) * wander)[:, 0].all()
