"""Standard normal draws, a generator a window, so that a window's samples are its own.

Draws are made on the CPU whatever the device, in the order of the release: all of sample 0, then
all of sample 1. So neither the batch nor the number of samples after it changes a sample's draws.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from models.unicardio.architecture import SLOT_SAMPLES
from models.unicardio.tasks import Task

Draws = Callable[[Task, int], Tensor]
"""Gives (S, n_draws, T) for a task of the i-th window."""


def seeded(seeds: Mapping[Task, Sequence[int]], n_samples: int, n_draws: int) -> Draws:
    """Draw from a generator a window and task, seeded by the i-th of the task's ``seeds``."""

    def draw(task: Task, window: int) -> Tensor:
        generator = torch.Generator().manual_seed(int(seeds[task][window]))
        # One call a sample: the end of a call's numbers depends on how many it is asked for.
        drawn = [torch.randn(n_draws, SLOT_SAMPLES, generator=generator) for _ in range(n_samples)]
        return torch.stack(drawn)

    return draw
