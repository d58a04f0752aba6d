"""What is known of a window, whatever of it is there, into its mean and spread in one pass.

Shapes: B windows, M = 3 modalities, T = 600 samples with margins, N = 24 tokens, D channels.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.tricardio.architecture import PATCH, SPAN, TOKENS, Sizes
from models.tricardio.echoes import ECHOES, echoes_of
from models.tricardio.transformer import Layer
from schemas.modality import MODALITIES

ABSENT: Final = 0
TRUSTED: Final = 1
NOISY: Final = 2
"""What a modality is to the network: not there, as measured, or there and bad."""

SPREAD: Final = (0.003, 10.0)
"""Bounds of the spread that the encoder may tell, in the network's scale."""


@dataclass(frozen=True)
class Known:
    """What is there, in the network's scale.

    Attributes:
        x: (B, M, T) samples, 0 where missing.
        mask: (B, M, T) True where observed.
        state: (B, M) ``ABSENT``, ``TRUSTED`` or ``NOISY``.
    """

    x: Tensor
    mask: Tensor
    state: Tensor


@dataclass(frozen=True)
class Encoded:
    """What follows from it.

    Attributes:
        tokens: (B, N, D) for the flow, and for whatever else is to be read off.
        mean: (B, M, T) the expected clean signals, in the network's scale.
        spread: (B, M, T) how far from the mean the truth is expected, likewise.
    """

    tokens: Tensor
    mean: Tensor
    spread: Tensor


class Encoder(nn.Module):
    """One token each 0.2 s, of all modalities together: time is shared, so attention is short."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        views = 2 * (1 + ECHOES)
        self.embed = nn.ModuleDict({m: nn.Linear(views * PATCH, width) for m in MODALITIES})
        self.states = nn.Parameter(0.02 * torch.randn(len(MODALITIES), 3, width))
        self.position = nn.Parameter(0.02 * torch.randn(TOKENS, width))
        self.layers = nn.Sequential(*(Layer(width, sizes.heads) for _ in range(sizes.depth)))
        self.norm = nn.LayerNorm(width)
        told = 2 + 1 + ECHOES
        self.read = nn.ModuleDict({m: nn.Linear(width, told * PATCH) for m in MODALITIES})

    def forward(self, known: Known) -> Encoded:
        """Encode B windows."""
        copies, there = echoes_of(known.x, known.mask)
        views = torch.cat([known.x[:, :, None], copies], dim=2)  # (B, M, V, T)
        seen = torch.cat([known.mask[:, :, None], there], dim=2).float()
        h = self.position.expand(len(known.x), -1, -1)
        for i, m in enumerate(MODALITIES):
            both = torch.cat([views[:, i], seen[:, i]], dim=1)
            h = h + self.embed[m](_patches(both)) + self.states[i][known.state[:, i]][:, None]
        tokens = self.norm(self.layers(h))  # (B, N, D)
        told = torch.stack([_samples(self.read[m](tokens)) for m in MODALITIES], dim=1)
        own, spread, gates = told[:, :, 0], told[:, :, 1], told[:, :, 2:]  # (B, M, V, T) the last
        mean = own + (_shares(gates, seen) * views).sum(dim=2)
        return Encoded(tokens, mean, F.softplus(spread).clamp(*SPREAD))


def _patches(views: Tensor) -> Tensor:
    """Cut (B, V, T) into (B, N, V * P)."""
    rows, count, _ = views.shape
    return views.view(rows, count, TOKENS, PATCH).transpose(1, 2).reshape(rows, TOKENS, -1)


def _samples(told: Tensor) -> Tensor:
    """Lay (B, N, V * P) side by side: (B, V, T)."""
    rows = len(told)
    return told.view(rows, TOKENS, -1, PATCH).transpose(1, 2).reshape(rows, -1, SPAN)


def _shares(gates: Tensor, seen: Tensor) -> Tensor:
    """Share 1 among the views that are there, and one that is nothing."""
    scores = gates.masked_fill(seen == 0, -torch.inf)
    nothing = torch.zeros_like(scores[:, :, :1])
    return torch.cat([scores, nothing], dim=2).softmax(dim=2)[:, :, :-1]
