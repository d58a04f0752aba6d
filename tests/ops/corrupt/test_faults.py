"""Faults do what they are named for, and leave the rest as it was."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.corrupt import faults
from schemas.modality import MODALITIES

T = np.arange(600) / 125
PULSES = np.tile((80 + 40 * np.maximum(np.sin(2 * np.pi * 1.2 * T), 0)).astype(np.float32), (8, 1))


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_saturated_signal_stays_at_its_rail() -> None:
    made = faults.saturated(PULSES, rng())

    assert (np.ptp(made, axis=1) < np.ptp(PULSES, axis=1)).all()
    changed = made != PULSES
    for row, where in zip(made, changed, strict=True):
        assert np.unique(row[where]).size == 1


def test_a_flush_is_a_stretch_at_the_pressure_of_the_bag() -> None:
    made = faults.flushed(PULSES, rng())

    low, high = faults.FLUSH_MMHG
    flushed = made != PULSES
    assert flushed.any(axis=1).all()
    assert ((made[flushed] >= low) & (made[flushed] <= high)).all()


def test_a_damped_line_keeps_its_mean_and_loses_its_pulse() -> None:
    made = faults.damped(PULSES, rng())

    np.testing.assert_allclose(made.mean(axis=1), PULSES.mean(axis=1), rtol=1e-4)
    assert (made.std(axis=1) < PULSES.std(axis=1)).all()


def test_a_dropout_lies_at_one_level() -> None:
    made = faults.dropped(PULSES, rng())

    for row, before in zip(made, PULSES, strict=True):
        assert np.unique(row[row != before]).size <= 1


def test_a_shifted_signal_is_the_same_somewhat_later_or_earlier() -> None:
    made = faults.shifted(PULSES, 12, rng())

    for row, before in zip(made, PULSES, strict=True):
        there = np.isfinite(row)
        assert there.sum() >= 588
        shifts = [np.roll(before, by)[there] for by in range(-12, 13)]
        assert any(np.array_equal(row[there], shift) for shift in shifts)


@given(seed=st.integers(0, 2**32), modality=st.sampled_from(MODALITIES))
@settings(max_examples=30, deadline=None)
def test_whatever_fails_what_is_left_is_finite(seed, modality) -> None:
    made = faults.faulty(PULSES, modality, np.random.default_rng(seed))

    assert made.shape == PULSES.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert (made != PULSES).any()


def test_damping_does_not_carry_the_end_of_a_window_into_its_beginning() -> None:
    rising = np.linspace(60, 160, 500, dtype=np.float32)[None]
    made = faults.damped(rising, np.random.default_rng(0))

    assert abs(made[0, 0] - 60) < 10
    assert abs(made[0, -1] - 160) < 10
