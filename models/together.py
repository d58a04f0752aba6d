"""Processes that train together: each draws its own share of a batch, and all take one step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Together:
    """Which of the processes this one is, and how a tensor is added up over them.

    Attributes:
        rank: of this process, from 0; the first alone writes.
        size: how many they are.
        add: replaces a tensor by its sum over all; every process calls it at the same points.
    """

    rank: int
    size: int
    add: Callable[[Tensor], object]

    def average(self, network: nn.Module, told: dict[str, Tensor]) -> dict[str, Tensor]:
        """Replace the gradients by their means over all; give the means of what each told."""
        if self.size == 1:
            return told
        gradients = [_gradient(p) for p in network.parameters() if p.requires_grad]
        tensors = [*gradients, *told.values()]
        # All at once: what a step waits for is the number of messages more than their length.
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        self.add(flat)
        means = [
            mean.view_as(tensor)
            for mean, tensor in zip(
                torch.split(flat / self.size, [t.numel() for t in tensors]), tensors, strict=True
            )
        ]
        for gradient, mean in zip(gradients, means, strict=False):
            gradient.copy_(mean)
        return dict(zip(told, means[len(gradients) :], strict=True))


def _gradient(parameter: nn.Parameter) -> Tensor:
    """Give 0 where this process had no use of a weight; another may have."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


ALONE: Final = Together(rank=0, size=1, add=_as_it_is)
