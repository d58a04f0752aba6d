"""Sums over fine positions."""

import torch.nn.functional as F
from torch import Tensor

from models.tricardio.architecture import FINE


def pooled(x: Tensor) -> Tensor:
    """Sum (..., T) over each fine position: (..., P)."""
    total: Tensor = x.view(*x.shape[:-1], -1, FINE).sum(dim=-1)
    return total


def around(x: Tensor, reach: int) -> Tensor:
    """Sum (..., P) over ``reach`` positions on either side; beyond the ends is 0."""
    whole = x.cumsum(dim=-1)
    upto = F.pad(whole[..., reach:], (0, reach), mode="constant")
    upto[..., -reach:] = whole[..., -1:]
    before = F.pad(whole[..., : -reach - 1], (reach + 1, 0))
    return upto - before
