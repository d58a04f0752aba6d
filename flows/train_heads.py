"""How a head is fitted once the network stands, whichever head it is."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

RATE: Final = 2e-3
DECAY: Final = 0.05
_WARMED_UP: Final = 50


def descend(head: nn.Module, steps: int, falling: float, loss: Callable[[], Tensor]) -> None:
    """Take steps down ``loss``, which draws anew each time; the rate falls over the last share."""
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / _WARMED_UP, (steps - step) / (falling * steps))
        loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
