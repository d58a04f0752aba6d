"""What a window looks like at a bedside, by the phase of a training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.corrupt.scenario import ABSENT, HOLED, NOISY, WHOLE, draw_states, spoil

MARGIN = 50
CLEAN = np.random.default_rng(0).normal(0, 1, (16, 3, 600)).cumsum(axis=2).astype(np.float32)


def test_the_first_phase_mends_one_modality_with_both_others_there() -> None:
    state = draw_states(500, 0, np.random.default_rng(0))

    assert ((state == WHOLE).sum(axis=1) == 2).all()
    assert np.isin(state, [WHOLE, HOLED, NOISY]).all()


def test_the_second_phase_adds_absent_ones() -> None:
    state = draw_states(500, 1, np.random.default_rng(0))

    assert set((state == ABSENT).sum(axis=1)) == {0, 1, 2}


def test_the_last_phase_spoils_two_at_once() -> None:
    state = draw_states(500, 2, np.random.default_rng(0))

    assert (np.isin(state, [HOLED, NOISY]).sum(axis=1) == 2).any()


@pytest.mark.parametrize("phase", [0, 1, 2])
def test_in_every_window_something_is_left_and_something_is_to_be_made(phase) -> None:
    state = draw_states(500, phase, np.random.default_rng(1))

    assert (state != ABSENT).any(axis=1).all()
    assert (state != WHOLE).any(axis=1).all()


@given(seed=st.integers(0, 2**32), phase=st.integers(0, 2), lost=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_a_spoiled_window_is_as_its_states_say(seed, phase, lost) -> None:
    clean = CLEAN.copy()
    clean[:, :, :lost] = np.nan
    seen = spoil(clean, phase, MARGIN, np.random.default_rng(seed))
    inside = seen.signals[:, :, MARGIN:-MARGIN]

    assert np.isnan(seen.signals[seen.state == ABSENT]).all()
    assert np.isnan(seen.signals[seen.state == HOLED]).any(axis=1).all()
    assert np.isfinite(inside[seen.state == NOISY]).any(axis=1).all()
    holed = seen.state == HOLED
    there = np.isfinite(seen.signals) & holed[..., None]
    np.testing.assert_array_equal(seen.signals[there], clean[there])
    np.testing.assert_array_equal(seen.clean[seen.state != WHOLE], clean[seen.state != WHOLE])
    assert np.isnan(seen.signals[np.isnan(clean) & (seen.state == NOISY)[..., None]]).all()
    np.testing.assert_array_equal(clean[:, :, lost:], CLEAN[:, :, lost:])


def test_a_whole_modality_may_be_late_or_early_and_its_truth_is_so_too() -> None:
    seen = spoil(np.tile(CLEAN, (20, 1, 1)), 0, MARGIN, np.random.default_rng(0))
    clean = np.tile(CLEAN, (20, 1, 1))
    whole = seen.state == WHOLE
    moved = np.array(
        [not np.array_equal(a, b) for a, b in zip(seen.clean[whole], clean[whole], strict=True)]
    )
    inside = np.isfinite(seen.signals[whole])
    lags = np.isnan(seen.clean[whole]).sum(axis=1)

    np.testing.assert_array_equal(seen.signals[whole][inside], seen.clean[whole][inside])
    assert moved.mean() == pytest.approx(0.4, abs=0.06)
    assert 45 < lags.max() <= 50
