"""Signals to the network's scale and back, by what is observed of them alone.

A row's own middle and half its range, both between the 2nd and the 98th percentile of what was
observed: ten samples of spikes in 4 s don't move them. Where nothing was observed there is no
scale: what is made then comes in the model's normal scale, -1 to 1 between those percentiles.

Shapes: N rows, T samples.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_LOW: Final = 0.02
_HIGH: Final = 0.98
LEAST_OBSERVED: Final = 10
"""Samples that a scale is taken from at least."""

FARTHEST: Final = 8.0
"""Scaled samples beyond it are held there: a spike says no more than that it is one."""


@dataclass(frozen=True)
class Scale:
    """(N,) middle and half range of each row; NaN where there is none."""

    middle: Tensor
    half: Tensor

    @property
    def known(self) -> Tensor:
        """Say (N,) where there is one."""
        return self.half.isfinite()

    def apply(self, x: Tensor) -> Tensor:
        """Bring (N, T) to the network's scale; what is missing, or has no scale, becomes 0."""
        scaled = (x - self.middle[:, None]) / self.half[:, None]
        return scaled.nan_to_num(0, FARTHEST, -FARTHEST).clamp(-FARTHEST, FARTHEST)

    def undo(self, y: Tensor) -> Tensor:
        """Bring (N, T) or (N, S, T) back; as it is where there is no scale."""
        shape = (-1, *[1] * (y.dim() - 1))
        half = torch.where(self.known, self.half, 1).view(shape)
        return y * half + torch.where(self.known, self.middle, 0).view(shape)


def scale_of(x: Tensor) -> Scale:
    """Take the scale of each row of (N, T), NaN missing; flat and nearly empty rows have none."""
    ranked = torch.where(x.isfinite(), x, torch.inf).sort(dim=1).values
    count = x.isfinite().sum(dim=1)
    last = (count - 1).clamp(min=0)
    low, high = (
        ranked.gather(1, (last * share).round().long()[:, None])[:, 0] for share in (_LOW, _HIGH)
    )
    half = (high - low) / 2
    flat = half <= torch.finfo(torch.float32).eps * torch.maximum(low.abs(), high.abs())
    none = flat | (count < LEAST_OBSERVED) | ~half.isfinite()
    nothing = torch.full_like(half, torch.nan)
    return Scale(torch.where(none, nothing, low + half), torch.where(none, nothing, half))
