"""What pressure the encoder's tokens, and a cuff reading with those of its moment, allow.

A pressure's shape is in the other signals, its level hardly: so the level has heads of its own,
which tell quantiles, are fitted on frozen tokens, and say no more than the tokens and the cuff do.

Shapes: B windows, N tokens, D channels, L = 5 levels, Q = 7 quantiles, C = 2 conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.tricardio.architecture import CORE, PATCH
from models.tricardio.encoder import Encoded
from models.tricardio.scaling import Scale
from schemas.modality import MODALITIES, Modality

LEVELS: Final = ("sbp", "dbp", "map", "low", "high")
"""Pressures off the beats, and the 2nd and 98th percentile that a signal's scale is made of."""

QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MIDDLE: Final = QUANTILES.index(0.5)
USUAL_MMHG: Final = (130.0, 65.0, 90.0, 65.0, 127.0)
"""About what is usual of each level; where a head begins."""

HEADS: Final = 5
"""Heads that the levels are the mean of, each fitted without a fifth of the training groups."""

STEP_MMHG: Final = 20.0
CONDITIONS: Final[tuple[Modality, ...]] = ("ecg", "ppg")
_BOTTLENECK: Final = 24
_HIDDEN: Final = 64
_CUFF: Final = 5
_CHANGES: Final = 2 * len(CONDITIONS)
_MOST_CHANGE: Final = 3.0
_INSIDE: Final = slice(CORE.start // PATCH, CORE.stop // PATCH)


@dataclass(frozen=True)
class Moment:
    """What is known of B windows, less the order of time.

    Attributes:
        tokens: (B, 2 D) mean and spread over the window of the encoder's tokens.
        half: (B, C) half range of ECG and PPG in their units, NaN where they are absent.
        middle: (B, C) middle of it.
    """

    tokens: Tensor
    half: Tensor
    middle: Tensor

    def take(self, rows: slice | Tensor) -> "Moment":
        """Keep some windows."""
        return Moment(self.tokens[rows], self.half[rows], self.middle[rows])


def joined(parts: Sequence[Moment]) -> Moment:
    """Put moments under each other."""
    names = ("tokens", "half", "middle")
    return Moment(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Reference:
    """A cuff reading a window.

    Attributes:
        then: ECG and PPG of its moment.
        sbp: (B,) mmHg, NaN where there is no reading.
        dbp: (B,) mmHg, likewise.
        age_s: (B,) seconds since.
    """

    then: Moment
    sbp: Tensor
    dbp: Tensor
    age_s: Tensor


def moment_of(encoded: Encoded, scale: Scale) -> Moment:
    """Sum up encoded windows; ``scale`` is that of their B * M rows."""
    inside = encoded.tokens[:, _INSIDE]
    at = [MODALITIES.index(m) for m in CONDITIONS]
    half, middle = (side.view(len(inside), -1)[:, at] for side in (scale.half, scale.middle))
    return Moment(torch.cat([inside.mean(dim=1), inside.std(dim=1)], dim=1), half, middle)


class Levels(nn.Module):
    """Quantiles of each level in mmHg, the mean of what several heads tell."""

    def __init__(self, width: int, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = nn.ModuleList(LevelHead(width) for _ in range(heads))

    def forward(self, now: Moment, reference: Reference | None) -> Tensor:
        """Give (B, L, Q) quantiles, ascending."""
        return torch.stack([head(now, reference) for head in self.heads]).mean(dim=0)


class LevelHead(nn.Module):
    """Quantiles of each level in mmHg, with a cuff reading or without one.

    Of the signals' own size only its change since the reading is looked at: gains differ between
    monitors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Dropout(0.2), nn.Linear(2 * width, _BOTTLENECK), nn.Tanh()
        )
        self.read = nn.Sequential(
            nn.Linear(2 * _BOTTLENECK + _CHANGES + _CUFF, _HIDDEN),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(_HIDDEN, len(LEVELS) * len(QUANTILES)),
        )
        self.hold = nn.Parameter(torch.tensor([0.5] * len(LEVELS)))
        self.usual = nn.Buffer(torch.tensor(USUAL_MMHG))

    def forward(self, now: Moment, reference: Reference | None) -> Tensor:
        """Give (B, L, Q) quantiles, ascending."""
        pooled = self.pool(now.tokens)
        told, then, held = self._cuff(now, pooled, reference)
        told = self.read(torch.cat([pooled, pooled - then, told], dim=1))
        told = told.view(len(pooled), len(LEVELS), len(QUANTILES))
        middle = self.usual + held + STEP_MMHG * told[..., MIDDLE]
        steps = STEP_MMHG * F.softplus(told - 1)
        above = middle[..., None] + steps[..., MIDDLE + 1 :].cumsum(dim=2)
        below = middle[..., None] - steps[..., :MIDDLE].flip(2).cumsum(dim=2).flip(2)
        return torch.cat([below, middle[..., None], above], dim=2)

    def _cuff(
        self, now: Moment, pooled: Tensor, reference: Reference | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give (B, 9) of the reading, its moment pooled, and (B, L) what is held of it."""
        nothing = pooled.new_zeros(len(pooled), len(LEVELS))
        if reference is None:
            return pooled.new_zeros(len(pooled), _CHANGES + _CUFF), pooled, nothing
        there = (reference.sbp.isfinite() & reference.dbp.isfinite())[:, None]
        sbp, dbp = reference.sbp.nan_to_num(0), reference.dbp.nan_to_num(0)
        pulse = sbp - dbp
        read = torch.stack([sbp, dbp, dbp + pulse / 3, dbp, sbp], dim=1)
        apart = read - self.usual
        age = reference.age_s.abs().nan_to_num(0).div(60).log1p()
        told = torch.stack([apart[:, 0], apart[:, 1], pulse - 60], dim=1) / STEP_MMHG
        cuff = torch.cat(
            [_changes(now, reference.then), told, age[:, None], torch.ones_like(age)[:, None]],
            dim=1,
        )
        zero = pooled.new_zeros(())
        return (
            torch.where(there, cuff, zero),
            torch.where(there, self.pool(reference.then.tokens), pooled),
            torch.where(there, self.hold * apart, zero),
        )


def _changes(now: Moment, then: Moment) -> Tensor:
    """Give (B, 4) how size and middle of ECG and PPG have changed, 0 where one is not known."""
    size = (now.half / then.half).log()
    moved = (now.middle - then.middle) / then.half
    both = torch.cat([size, moved], dim=1).nan_to_num(0, 0, 0)
    return both.clamp(-_MOST_CHANGE, _MOST_CHANGE)


def pinball(quantiles: Tensor, truth: Tensor) -> Tensor:
    """Give the mean loss of (B, L, Q) quantiles of (B, L) levels; NaN have no say."""
    levels = torch.tensor(QUANTILES, device=quantiles.device)
    missed = truth[..., None] - quantiles
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    there = truth.isfinite()[..., None].expand_as(loss)
    return loss[there].mean()


def quantile(told: Tensor, share: Tensor) -> Tensor:
    """Give (B, ...) the quantiles of (B, Q) at standard normal deviates (B, ...).

    Between and beyond those told it goes straight along the normal deviate.
    """
    at = torch.special.ndtri(torch.tensor(QUANTILES, dtype=share.dtype, device=share.device))
    flat = share.reshape(len(share), -1)
    right = torch.searchsorted(at, flat.contiguous()).clamp(1, len(at) - 1)
    low, high = told.gather(1, right - 1), told.gather(1, right)
    part = (flat - at[right - 1]) / (at[right] - at[right - 1])
    found: Tensor = low + part * (high - low)
    return found.view(share.shape)
