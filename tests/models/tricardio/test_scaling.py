"""The scale of a signal is that of what is observed of it, whatever spikes it has."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.tricardio.scaling import FARTHEST, scale_of


def test_the_middle_nine_tenths_and_more_lie_between_minus_one_and_one() -> None:
    x = torch.linspace(0, 500, 501)[None]
    scale = scale_of(x)

    assert scale.middle.tolist() == [250]
    assert scale.half.tolist() == [240]
    assert scale.apply(x)[0, 10] == -1
    assert scale.apply(x)[0, 490] == 1


def test_spikes_of_a_few_samples_do_not_move_the_scale() -> None:
    wave = torch.sin(torch.arange(600) / 7)[None]
    spiked = wave.clone()
    spiked[0, 100:105] = 1e4

    torch.testing.assert_close(scale_of(spiked).half, scale_of(wave).half, rtol=0.02, atol=0)
    assert scale_of(spiked).apply(spiked).max() == FARTHEST


def test_a_gap_has_no_say_and_becomes_nothing() -> None:
    x = torch.sin(torch.arange(600) / 7)[None].clone()
    x[0, 200:300] = torch.nan
    scale = scale_of(x)

    assert scale.known.all()
    assert (scale.apply(x)[0, 200:300] == 0).all()


def test_flat_empty_and_nearly_empty_rows_have_no_scale() -> None:
    rows = torch.full((4, 600), torch.nan)
    rows[1] = 80.0
    rows[2, :9] = torch.arange(9.0)
    rows[3, :10] = torch.arange(10.0)

    assert scale_of(rows).known.tolist() == [False, False, False, True]


def test_what_has_no_scale_comes_back_as_it_is() -> None:
    scale = scale_of(torch.full((1, 600), torch.nan))

    assert scale.undo(torch.ones(1, 600)).unique().tolist() == [1]
    assert scale.undo(torch.ones(1, 4, 600)).shape == (1, 4, 600)


@given(hnp.arrays("float32", (3, 40), elements=st.floats(-1e6, 1e6, width=32)))
@settings(max_examples=50, deadline=None)
def test_what_is_scaled_and_not_held_comes_back(rows) -> None:
    x = torch.from_numpy(rows)
    scale = scale_of(x)
    there = scale.apply(x)
    inside = (there.abs() < FARTHEST) & scale.known[:, None]

    size = x.abs().amax() + 1
    torch.testing.assert_close(
        torch.where(inside, scale.undo(there), 0),
        torch.where(inside, x, 0),
        rtol=1e-4,
        atol=float(size) * 1e-5,
    )
    assert there.isfinite().all()
