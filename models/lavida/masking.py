"""Training's masks, and what is learned from them.

Shapes: B answers of A tokens, V words.
"""

from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST: Final = 1e-3
"""Probability of a mask at time 0."""

Weighting = Literal["mean", "time"]
"""How masked tokens count: alike, as in the released code, or by 1/t, as in the paper."""


def draw_masks(maskable: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw times and masks: (B,) the probability of a mask, and (B, A) where there is one.

    ``maskable`` (B, A) says where one may be; where one may be at all, at least one is.
    """
    t = torch.rand(len(maskable), generator=generator)
    p = (1 - LEAST) * t + LEAST
    height = torch.rand(maskable.shape, generator=generator).masked_fill(~maskable, 2.0)
    mask = height < p[:, None]
    lowest = height == height.amin(dim=1, keepdim=True)
    return p, (mask | (lowest & ~mask.any(dim=1, keepdim=True))) & maskable


def complement(mask: Tensor, maskable: Tensor) -> Tensor:
    """Mask all that the first copy shows: between the two each token is learned once."""
    return maskable & ~mask


def masked_loss(
    logits: Tensor, answer: Tensor, mask: Tensor, p: Tensor, weighting: Weighting
) -> Tensor:
    """Give the cross-entropy of (B, A, V) at the masked tokens of ``answer`` (B, A).

    ``p`` (B,) is the probability of a mask; by ``time`` each token counts 1/p, over all answers'
    tokens, which bounds the likelihood; by ``mean`` it is the mean over masked tokens.
    """
    each = F.cross_entropy(logits[mask].float(), answer[mask], reduction="none")
    if weighting == "mean":
        return each.mean() if each.numel() else logits.sum() * 0.0
    weight = (1 / p)[:, None].expand_as(mask)[mask]
    return (weight * each).sum() / answer.numel()
