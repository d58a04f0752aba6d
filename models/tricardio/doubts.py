"""How far copies can be trusted, by where they can be checked.

Logarithms of mean squared errors, in the network's scale, at fine positions.

Shapes: B windows, M = 3 modalities, C copies, T = 600 samples, P = 120 fine positions.
"""

from typing import Final

import torch
from torch import Tensor

from models.tricardio.boxes import around, pooled
from models.tricardio.echoes import ECHOES

DOUBTS: Final = 2 * ECHOES + 1
"""A modality: each copy's own error, that of the others' at its lag, and how copies differ."""

_OWN: Final = 15
_OTHERS: Final = 5
_APART: Final = 2
"""Fine positions on either side that an error is taken over."""

_LEAST: Final = 1e-4


def doubts_of(x: Tensor, mask: Tensor, copies: Tensor, there: Tensor) -> Tensor:
    """Give (B, M, D, P) doubts of (B, M, C, T) copies of (B, M, T) signals.

    Where nothing near can be checked, a copy is trusted as in the whole window; where nothing of
    the window can be, little.
    """
    both = (there & mask[:, :, None]).float()
    squared = pooled((copies - x[:, :, None]).square() * both)
    count = pooled(both)
    usual = (squared.sum(dim=-1, keepdim=True) + 3) / (count.sum(dim=-1, keepdim=True) + 10)
    own = (around(squared, _OWN) + 20 * usual) / (around(count, _OWN) + 20)
    near, told = around(squared, _OTHERS), around(count, _OTHERS)
    elsewhere = near.sum(dim=1, keepdim=True) - near
    checked = told.sum(dim=1, keepdim=True) - told
    others = (elsewhere + 10 * own.mean(dim=1, keepdim=True)) / (checked + 10)
    pair = (there[:, :, 0] & there[:, :, 1]).float()
    differ = pooled((copies[:, :, 0] - copies[:, :, 1]).square() * pair)
    apart = (around(differ, _APART) + 1) / (around(pooled(pair), _APART) + 3)
    return torch.cat([own, others, apart[:, :, None]], dim=2).clamp(min=_LEAST).log()
