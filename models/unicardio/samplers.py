"""Rules that take a sample from noise to signal, apart from the network that predicts the noise.

A sampler names the timesteps at which it wants the noise predicted and says where each prediction
leads. Shapes are whatever the tensors have; coefficients come from the schedule in float64.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final, Protocol

import numpy as np
from torch import Tensor

from models.unicardio.schedule import ALPHA_BAR, BETA
from models.unicardio.tasks import Task, translate

DDIM_FIRST: Final = 48
"""Where the release starts DDIM."""


class Sampler(Protocol):
    """From noise to signal in a fixed number of predictions."""

    @property
    def name(self) -> str:
        """As in the lake's column ``sampler``."""

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Where the noise is to be predicted, in order."""

    @property
    def n_draws(self) -> int:
        """Standard normal draws a sample: its start, then those that the steps add."""

    def advance(self, i: int, x_t: Tensor, eps: Tensor, z: Tensor | None, task: Task) -> Tensor:
        """Go from ``timesteps[i]`` on by the predicted noise and, if it takes one, a draw."""


@dataclass(frozen=True)
class DDPM:
    """Ho et al. 2020: all 50 steps, each adds noise but the last."""

    name: str = "ddpm"
    timesteps: tuple[int, ...] = tuple(range(len(BETA) - 1, -1, -1))

    @property
    def n_draws(self) -> int:
        """The start and one a step; the release draws for the last step too, and leaves it."""
        return 1 + len(self.timesteps)

    def advance(self, i: int, x_t: Tensor, eps: Tensor, z: Tensor | None, task: Task) -> Tensor:  # noqa: ARG002
        """Draw from the posterior of the step before."""
        t = self.timesteps[i]
        mean: Tensor = (x_t - BETA[t] / sqrt(1 - ALPHA_BAR[t]) * eps) / sqrt(1 - BETA[t])
        if t == 0 or z is None:
            return mean
        return mean.add(z, alpha=sqrt((1 - ALPHA_BAR[t - 1]) / (1 - ALPHA_BAR[t]) * BETA[t]))


@dataclass(frozen=True)
class DDIM:
    """Song et al. 2021 with no noise added: ``n`` steps, even from 48 down to 0.

    Timestep 0 is reached and never evaluated. The release's n is 6.

    Attributes:
        n: number of predictions, 1 to 48.
        as_released: for ECG → BP alone, keep the estimate of the signal in place of the next
            sample, as a bug of the release does: for comparing with its numbers, nothing else.

    Raises:
        ValueError: where ``n`` is out of range.
    """

    n: int = 6
    as_released: bool = False
    name: str = "ddim"

    def __post_init__(self) -> None:
        if not 1 <= self.n <= DDIM_FIRST:
            message = f"steps of DDIM must be 1 to {DDIM_FIRST}, got {self.n}"
            raise ValueError(message)

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Where the noise is predicted: 48, 40, …, 8 for n = 6."""
        return tuple(int(t) for t in np.rint(np.linspace(DDIM_FIRST, 0, self.n + 1)))[:-1]

    @property
    def n_draws(self) -> int:
        """The start alone."""
        return 1

    def advance(self, i: int, x_t: Tensor, eps: Tensor, z: Tensor | None, task: Task) -> Tensor:  # noqa: ARG002
        """Go on with the same noise over the estimated signal."""
        x_0 = signal_estimate(x_t, eps, self.timesteps[i])
        if self.as_released and task == translate("ecg", "abp"):
            return x_0
        left = ALPHA_BAR[(*self.timesteps, 0)[i + 1]]
        return sqrt(left) * x_0 + sqrt(1 - left) * eps


def signal_estimate(x_t: Tensor, eps: Tensor, t: int) -> Tensor:
    """Estimate x_0, the signal without noise, from a sample at ``t`` and its predicted noise."""
    return (x_t - sqrt(1 - ALPHA_BAR[t]) * eps) / sqrt(ALPHA_BAR[t])
