from itertools import pairwise
from math import sqrt

import pytest
import torch

from models.unicardio.samplers import DDIM, DDPM, signal_estimate
from models.unicardio.schedule import ALPHA_BAR, BETA
from models.unicardio.tasks import TASKS, translate

TASK = translate("ppg", "abp")


def noisy(x_0: torch.Tensor, eps: torch.Tensor, t: int) -> torch.Tensor:
    return sqrt(ALPHA_BAR[t]) * x_0 + sqrt(1 - ALPHA_BAR[t]) * eps


def test_the_schedule_has_fifty_steps_from_a_ten_thousandth_to_a_half() -> None:
    assert len(BETA) == 50
    assert (BETA[0], BETA[-1]) == pytest.approx((1e-4, 0.5))
    assert ALPHA_BAR[1] == pytest.approx((1 - BETA[0]) * (1 - BETA[1]))


def test_ddim_of_the_release_predicts_at_six_timesteps_and_ddpm_at_all() -> None:
    assert DDIM().timesteps == (48, 40, 32, 24, 16, 8)
    assert DDIM(1).timesteps == (48,)
    assert DDPM().timesteps == tuple(range(49, -1, -1))
    assert (DDIM().n_draws, DDPM().n_draws) == (1, 51)


@pytest.mark.parametrize("n", range(1, 49))
def test_ddim_of_any_length_comes_down_from_48_and_never_evaluates_0(n) -> None:
    timesteps = DDIM(n).timesteps

    assert len(timesteps) == n
    assert timesteps[0] == 48
    assert timesteps[-1] > 0
    assert all(after < t for t, after in pairwise(timesteps))


@pytest.mark.parametrize("n", [0, 49, -1])
def test_a_length_that_ddim_can_not_have_is_refused(n) -> None:
    with pytest.raises(ValueError, match=f"steps of DDIM must be 1 to 48, got {n}"):
        DDIM(n)


@pytest.mark.parametrize("n", [1, 6, 13])
def test_ddim_with_the_true_noise_ends_at_the_signal_of_timestep_0(n) -> None:
    x_0, eps = torch.randn(2, 1, 1, 500, dtype=torch.float64)
    sampler = DDIM(n)
    x = noisy(x_0, eps, 48)
    for i in range(n):
        x = sampler.advance(i, x, eps, None, TASK)

    torch.testing.assert_close(x, noisy(x_0, eps, 0))


def test_the_estimate_of_the_signal_takes_the_noise_out() -> None:
    x_0, eps = torch.randn(2, 500, dtype=torch.float64)

    torch.testing.assert_close(signal_estimate(noisy(x_0, eps, 30), eps, 30), x_0)


def test_ddpm_adds_noise_at_every_step_but_the_last() -> None:
    x, eps, z = torch.randn(3, 1, 1, 500, dtype=torch.float64)
    sampler = DDPM()
    added = sampler.advance(0, x, eps, z, TASK) - sampler.advance(0, x, eps, 0 * z, TASK)
    sigma = sqrt((1 - ALPHA_BAR[48]) / (1 - ALPHA_BAR[49]) * BETA[49])

    torch.testing.assert_close(added, sigma * z)
    assert torch.equal(sampler.advance(49, x, eps, z, TASK), sampler.advance(49, x, eps, -z, TASK))


def test_the_bug_of_the_release_is_in_ecg_to_bp_alone_and_only_when_asked_for() -> None:
    x, eps = torch.randn(2, 1, 1, 500)
    bug, rule = DDIM(as_released=True), DDIM()
    changed = [
        task
        for task in TASKS
        if not torch.equal(bug.advance(0, x, eps, None, task), rule.advance(0, x, eps, None, task))
    ]

    assert changed == [translate("ecg", "abp")]
    kept = bug.advance(0, x, eps, None, changed[0])
    assert torch.equal(kept, signal_estimate(x, eps, 48))
