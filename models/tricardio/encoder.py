"""What is known of a window, whatever of it is there, into its mean and spread in one pass.

Shapes: B windows, M = 3 modalities, T = 600 samples with margins, N = 24 tokens, D channels,
P = 120 fine positions, V = 4 views.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.tricardio.architecture import FINE, PATCH, TOKENS, Sizes
from models.tricardio.doubts import DOUBTS, doubts_of
from models.tricardio.echoes import ECHOES, echoes_of
from models.tricardio.transformer import Layer, Local
from schemas.modality import MODALITIES

ABSENT: Final = 0
TRUSTED: Final = 1
NOISY: Final = 2
"""What a modality is to the network: not there, as measured, or there and bad."""

VIEWS: Final = 1 + ECHOES
"""Of a modality: itself and its copies."""

TOLD: Final = 2 + VIEWS
"""Of a modality: what is added to the views, the spread, and the views' gates."""

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
    """One token each 0.2 s, of all modalities together: time is shared, so attention is short.

    Fine positions of 40 ms go into the tokens and beside them: they hold what is sharp, as a QRS
    is. What is told leans on the copies as far as they can be trusted.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, fine, count = sizes.width, sizes.fine_width, len(MODALITIES)
        self.fine = nn.Linear(count * (2 * VIEWS * FINE + DOUBTS), fine)
        self.fine_states = nn.Parameter(0.02 * torch.randn(count, 3, fine))
        self.fall = nn.Sequential(*(Local(fine) for _ in range(sizes.falls)))
        self.embed = nn.Linear(PATCH // FINE * fine, width)
        self.states = nn.Parameter(0.02 * torch.randn(count, 3, width))
        self.position = nn.Parameter(0.02 * torch.randn(TOKENS, width))
        self.layers = nn.Sequential(*(Layer(width, sizes.heads) for _ in range(sizes.depth)))
        self.norm = nn.LayerNorm(width)
        self.back = nn.Linear(width, PATCH // FINE * fine)
        self.rise = nn.Sequential(*(Local(fine) for _ in range(sizes.rises)))
        self.fine_norm = nn.LayerNorm(fine)
        self.read = nn.Linear(fine, count * TOLD * FINE)
        nn.init.zeros_(self.read.weight)
        self.caution = nn.Parameter(_caution().repeat(count, 1, 1))

    def forward(self, known: Known) -> Encoded:
        """Encode B windows."""
        copies, there = echoes_of(known.x, known.mask)
        doubts = doubts_of(known.x, known.mask, copies, there)
        views = torch.cat([known.x[:, :, None], copies], dim=2)  # (B, M, V, T)
        seen = torch.cat([known.mask[:, :, None], there], dim=2)
        fine = self.fine(_positions(views, seen, doubts)) + _of_states(
            self.fine_states, known.state
        )
        fine = self.fall(fine)  # (B, P, F)
        h = self.embed(fine.view(len(fine), TOKENS, -1)) + self.position
        tokens = self.norm(self.layers(h + _of_states(self.states, known.state)))  # (B, N, D)
        fine = self.rise(fine + self.back(tokens).view_as(fine))
        told = self.read(self.fine_norm(fine)).view(len(fine), -1, len(MODALITIES), TOLD, FINE)
        told = told.permute(0, 2, 3, 1, 4).flatten(3)  # (B, M, 2 + V, T)
        own, spread, gates = told[:, :, 0], told[:, :, 1], told[:, :, 2:]
        caution = torch.einsum("mvd,bmdp->bmvp", self.caution, doubts)
        shares = _shares(gates, caution.repeat_interleave(FINE, dim=3), seen)
        mean = own + (shares * views).sum(dim=2)
        return Encoded(tokens, mean, F.softplus(spread).clamp(*SPREAD))


def _positions(views: Tensor, seen: Tensor, doubts: Tensor) -> Tensor:
    """Lay what is known of each fine position into a row: (B, P, ...)."""
    both = torch.cat([views, seen.float()], dim=2).flatten(1, 2)  # (B, M * 2 V, T)
    samples = both.view(*both.shape[:2], -1, FINE).transpose(1, 2).flatten(2)
    return torch.cat([samples, doubts.flatten(1, 2).transpose(1, 2)], dim=2)


def _of_states(table: Tensor, state: Tensor) -> Tensor:
    """Sum the rows (M, 3, D) of the modalities' states (B, M): (B, 1, D)."""
    return torch.stack([table[i][state[:, i]] for i in range(table.shape[0])]).sum(dim=0)[:, None]


def _caution() -> Tensor:
    """Begin by trusting each copy as its own error, and how the copies differ, say."""
    table = torch.zeros(VIEWS + 1, DOUBTS)
    table[1:-1, -1] = -0.5
    for copy in range(ECHOES):
        table[1 + copy, copy] = -1.0
    return table


def _shares(gates: Tensor, caution: Tensor, seen: Tensor) -> Tensor:
    """Share 1 among the views that are there, and one that is nothing."""
    scores = (gates + caution[:, :, :-1]).masked_fill(~seen, -torch.inf)
    return torch.cat([scores, caution[:, :, -1:]], dim=2).softmax(dim=2)[:, :, :-1]
