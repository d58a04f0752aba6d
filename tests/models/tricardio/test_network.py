"""The encoder and the flow: what may matter does, and nothing else."""

import pytest
import torch

from models.tricardio.architecture import Sizes
from models.tricardio.encoder import ABSENT, NOISY, SPREAD, TRUSTED, Known
from models.tricardio.examples import known_of
from models.tricardio.flow import sample_residuals
from models.tricardio.network import TriCardio

SMALL = Sizes(width=32, depth=2, heads=4, flow_width=24, flow_depth=1, flow_heads=2)


@pytest.fixture(scope="module")
def network(one_thread) -> TriCardio:
    torch.manual_seed(0)
    network = TriCardio(SMALL)
    with torch.no_grad():  # what begins at 0 would hide what does not matter
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(scope="module")
def untrained(one_thread) -> TriCardio:
    torch.manual_seed(0)
    return TriCardio(SMALL).eval()


def windows(n: int = 3) -> torch.Tensor:
    torch.manual_seed(1)
    t = torch.arange(600) / 125
    phase = torch.rand(n, 3, 1) * 6
    return torch.sin(2 * torch.pi * 1.3 * t + phase) + 0.1 * torch.randn(n, 3, 600)


def known(signals: torch.Tensor) -> Known:
    return known_of(signals, torch.zeros(signals.shape[:2], dtype=torch.bool))[0]


@torch.inference_mode()
def test_all_modalities_are_told_wherever_one_is_there(network) -> None:
    signals = windows()
    signals[:, 1:] = torch.nan
    encoded = network.encoder(known(signals))

    assert encoded.mean.shape == encoded.spread.shape == (3, 3, 600)
    assert encoded.tokens.shape == (3, 24, 32)
    assert encoded.mean.isfinite().all()
    assert (encoded.spread >= SPREAD[0]).all()
    assert (encoded.spread <= SPREAD[1]).all()


@torch.inference_mode()
def test_a_window_of_which_nothing_is_there_has_a_finite_mean(network) -> None:
    encoded = network.encoder(known(torch.full((2, 3, 600), torch.nan)))

    assert encoded.mean.shape == (2, 3, 600)
    assert encoded.mean.isfinite().all()
    assert encoded.spread.isfinite().all()
    assert encoded.tokens.isfinite().all()


def test_what_is_missing_comes_to_the_encoder_as_nothing() -> None:
    signals = windows() + 3
    signals[:, 0, 100:250] = torch.nan
    signals[1, 2] = 4.0  # flat, so absent
    there = known(signals)

    assert not there.mask[:, 0, 100:250].any()
    assert not there.mask[1, 2].any()
    assert (there.x[~there.mask] == 0).all()


@torch.inference_mode()
def test_before_training_what_lies_under_a_gap_does_not_matter(untrained) -> None:
    here = known(windows())
    mask = here.mask.clone()
    mask[:, 0, 100:250] = False
    mask[:, 1] = False
    empty, full = here.x * mask, here.x
    one = untrained.encoder(Known(empty, mask, here.state))
    other = untrained.encoder(Known(full, mask, here.state))

    assert not torch.equal(empty, full)
    torch.testing.assert_close(one.mean, other.mean, rtol=0, atol=0)


@torch.inference_mode()
@pytest.mark.parametrize("period", [60, 100, 140])
def test_before_training_a_gap_is_filled_by_what_comes_again(untrained, period) -> None:
    turn = 2 * torch.pi * torch.arange(600) / period
    one = turn.sin() + 0.5 * (2 * turn).cos()
    whole = torch.stack([one, one.roll(20), one.roll(40)])[None]
    holed = whole.clone()
    holed[:, 0, 220:380] = torch.nan
    there, scale = known_of(holed, torch.zeros(1, 3, dtype=torch.bool))
    mean = untrained.encoder(there).mean[0, 0, 220:380]
    truth = scale.apply(whole[0])[0, 220:380]

    assert truth.square().mean().sqrt() > 0.5
    assert (mean - truth).square().mean().sqrt() < 0.15


def test_every_weight_of_the_encoder_has_a_say(network) -> None:
    signals = windows(3)
    signals[:, 0, 100:250] = torch.nan
    signals[0, 1], signals[1, 2], signals[2, 0] = torch.nan, torch.nan, torch.nan
    noisy = torch.eye(3, dtype=torch.bool)
    encoded = network.encoder(known_of(signals, noisy)[0])
    weights = dict(network.encoder.named_parameters())
    slopes = torch.autograd.grad(
        (encoded.mean + encoded.spread).square().sum(), list(weights.values()), allow_unused=True
    )

    silent = [
        name
        for name, slope in zip(weights, slopes, strict=True)
        if slope is None or not slope.any()
    ]
    assert silent == []


@torch.inference_mode()
def test_the_unit_of_a_signal_does_not_matter(network) -> None:
    signals = windows()
    there, scale = known_of(signals, torch.zeros(3, 3, dtype=torch.bool))
    far, far_scale = known_of(8 * signals + 64, torch.zeros(3, 3, dtype=torch.bool))
    near = scale.undo(network.encoder(there).mean.flatten(0, 1))
    away = far_scale.undo(network.encoder(far).mean.flatten(0, 1))

    torch.testing.assert_close(away, 8 * near + 64, rtol=1e-4, atol=1e-2)


@torch.inference_mode()
def test_a_windows_mean_does_not_depend_on_its_neighbours(network) -> None:
    signals = windows(4)
    together = network.encoder(known(signals)).mean
    alone = torch.cat([network.encoder(known(signals[i : i + 1])).mean for i in range(4)])

    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_absent_trusted_and_noisy_are_told_apart(network) -> None:
    signals = windows(1)
    states = [
        known_of(signals, torch.tensor([[noisy, False, False]]))[0] for noisy in (False, True)
    ]
    means = [network.encoder(state).mean for state in states]

    assert [int(s.state[0, 0]) for s in states] == [TRUSTED, NOISY]
    assert (means[0] - means[1]).abs().max() > 1e-4
    assert (known(torch.full((1, 3, 600), torch.nan)).state == ABSENT).all()


@torch.inference_mode()
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_a_sample_is_its_noises_own_whatever_the_others(network, steps) -> None:
    tokens = network.encoder(known(windows(2))).tokens
    context = network.flow.context(tokens, torch.tensor([0, 2]))
    noise = torch.randn(2, 5, 600)
    made = sample_residuals(network.flow, context, noise, steps)
    fewer = sample_residuals(network.flow, context[1:], noise[1:, 2:4], steps)

    assert made.shape == noise.shape
    torch.testing.assert_close(made[1:, 2:4], fewer, rtol=1e-4, atol=1e-4)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="a width of 32 can't be shared by 5 heads"):
        Sizes(width=32, heads=5)
