"""What pressure the encoder's tokens, and a cuff reading with those of its moment, allow.

A pressure's shape is in the other signals, its level hardly: so the level has a head of its own,
which tells quantiles, is fitted on frozen tokens, and says no more than the tokens and the cuff do.

Shapes: B windows, N tokens, D channels, L = 5 levels, Q = 7 quantiles.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.tricardio.architecture import CORE, PATCH

LEVELS: Final = ("sbp", "dbp", "map", "low", "high")
"""Pressures off the beats, and the 2nd and 98th percentile that a signal's scale is made of."""

QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MIDDLE: Final = QUANTILES.index(0.5)
USUAL_MMHG: Final = (130.0, 65.0, 90.0, 65.0, 127.0)
"""About what is usual of each level; where a head begins."""

STEP_MMHG: Final = 20.0
_BOTTLENECK: Final = 24
_HIDDEN: Final = 64
_CUFF: Final = 5
_INSIDE: Final = slice(CORE.start // PATCH, CORE.stop // PATCH)


@dataclass(frozen=True)
class Reference:
    """A cuff reading a window.

    Attributes:
        tokens: (B, N, D) of the ECG and PPG of its moment.
        sbp: (B,) mmHg, NaN where there is no reading.
        dbp: (B,) mmHg, likewise.
        age_s: (B,) seconds since.
    """

    tokens: Tensor
    sbp: Tensor
    dbp: Tensor
    age_s: Tensor


class LevelHead(nn.Module):
    """Quantiles of each level in mmHg, with a cuff reading or without one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Dropout(0.2), nn.Linear(2 * width, _BOTTLENECK), nn.Tanh()
        )
        self.read = nn.Sequential(
            nn.Linear(2 * _BOTTLENECK + _CUFF, _HIDDEN),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(_HIDDEN, len(LEVELS) * len(QUANTILES)),
        )
        self.hold = nn.Parameter(torch.tensor([0.5] * len(LEVELS)))
        self.usual = nn.Buffer(torch.tensor(USUAL_MMHG))

    def forward(self, tokens: Tensor, reference: Reference | None) -> Tensor:
        """Give (B, L, Q) quantiles, ascending."""
        now = self.pool(_pooled(tokens))
        cuff, then, held = self._cuff(now, reference)
        told = self.read(torch.cat([now, now - then, cuff], dim=1))
        told = told.view(len(tokens), len(LEVELS), len(QUANTILES))
        middle = self.usual + held + STEP_MMHG * told[..., MIDDLE]
        steps = STEP_MMHG * F.softplus(told - 1)
        above = middle[..., None] + steps[..., MIDDLE + 1 :].cumsum(dim=2)
        below = middle[..., None] - steps[..., :MIDDLE].flip(2).cumsum(dim=2).flip(2)
        return torch.cat([below, middle[..., None], above], dim=2)

    def _cuff(self, now: Tensor, reference: Reference | None) -> tuple[Tensor, Tensor, Tensor]:
        """Give (B, 5) of the reading, the pooled tokens of its moment, and (B, L) what is held."""
        nothing = now.new_zeros(len(now), len(LEVELS))
        if reference is None:
            return now.new_zeros(len(now), _CUFF), now, nothing
        there = reference.sbp.isfinite() & reference.dbp.isfinite()
        sbp, dbp = reference.sbp.nan_to_num(0), reference.dbp.nan_to_num(0)
        pulse = sbp - dbp
        read = torch.stack([sbp, dbp, dbp + pulse / 3, dbp, sbp], dim=1)
        apart = read - self.usual
        age = reference.age_s.abs().nan_to_num(0).div(60).log1p()
        told = torch.stack([apart[:, 0], apart[:, 1], pulse - 60], dim=1) / STEP_MMHG
        cuff = torch.cat([told, age[:, None], torch.ones_like(age)[:, None]], dim=1)
        then = torch.where(there[:, None], self.pool(_pooled(reference.tokens)), now)
        zero = now.new_zeros(())
        return (
            torch.where(there[:, None], cuff, zero),
            then,
            torch.where(there[:, None], self.hold * apart, zero),
        )


def pinball(quantiles: Tensor, truth: Tensor) -> Tensor:
    """Give the mean loss of (B, L, Q) quantiles of (B, L) levels; NaN have no say."""
    levels = torch.tensor(QUANTILES, device=quantiles.device)
    missed = truth[..., None] - quantiles
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    there = truth.isfinite()[..., None].expand_as(loss)
    return loss[there].mean()


def _pooled(tokens: Tensor) -> Tensor:
    inside = tokens[:, _INSIDE]
    return torch.cat([inside.mean(dim=1), inside.std(dim=1)], dim=1)
