"""What pressure the shape and timing of ECG and PPG, and a cuff reading with theirs, allow.

A pressure's shape is in the other signals, its level hardly: so the level has heads of its own,
which tell quantiles off hand-made features, and say no more than these and the cuff do.

Shapes: B windows, F = 48 features, L = 5 levels, Q = 7 quantiles, C = 2 conditions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from schemas.modality import Modality

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
FEATURES: Final = 48
"""What a moment is described by, from outside: of its ECG, its PPG and their delay."""

_HIDDEN: Final = 64
_CUFF: Final = 5
_CHANGES: Final = 2 * len(CONDITIONS)
_MOST_CHANGE: Final = 3.0
_FARTHEST: Final = 4.0


@dataclass(frozen=True)
class Moment:
    """What is known of B windows.

    Attributes:
        features: (B, F) of shape and timing, and of the ECG's size in mV; NaN where untold.
        half: (B, C) half range of ECG and PPG in their units, NaN where they are absent.
        middle: (B, C) middle of it.
    """

    features: Tensor
    half: Tensor
    middle: Tensor

    def take(self, rows: slice | Tensor, count: int = 0) -> "Moment":
        """Keep some windows, and add empty ones up to ``count``."""
        return self._each(lambda x: _filled_up(x[rows], count))

    def to(self, device: str) -> "Moment":
        """Give them on a device."""
        return self._each(lambda x: x.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Moment":
        return Moment(change(self.features), change(self.half), change(self.middle))


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

    def take(self, rows: slice | Tensor, count: int = 0) -> "Reference":
        """Keep some readings, and add empty ones up to ``count``."""
        return self._each(self.then.take(rows, count), lambda x: _filled_up(x[rows], count))

    def to(self, device: str) -> "Reference":
        """Give them on a device."""
        return self._each(self.then.to(device), lambda x: x.to(device))

    def _each(self, then: Moment, change: Callable[[Tensor], Tensor]) -> "Reference":
        return Reference(then, change(self.sbp), change(self.dbp), change(self.age_s))


def joined(parts: Sequence[Reference]) -> Reference:
    """Put readings under each other."""
    then = Moment(
        *(torch.cat([getattr(p.then, n) for p in parts]) for n in ("features", "half", "middle"))
    )
    return Reference(
        then, *(torch.cat([getattr(p, n) for p in parts]) for n in ("sbp", "dbp", "age_s"))
    )


def _filled_up(x: Tensor, count: int) -> Tensor:
    lacking = max(0, count - len(x))
    return F.pad(x, (*[0, 0] * (x.dim() - 1), 0, lacking), value=torch.nan)


class Levels(nn.Module):
    """Quantiles of each level in mmHg, the mean of what several heads tell."""

    def __init__(self, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = nn.ModuleList(LevelHead() for _ in range(heads))

    def forward(self, now: Moment, reference: Reference | None) -> Tensor:
        """Give (B, L, Q) quantiles, ascending."""
        return torch.stack([head(now, reference) for head in self.heads]).mean(dim=0)


class LevelHead(nn.Module):
    """Quantiles of each level in mmHg, with a cuff reading or without one.

    A reading is held, and moved as far as its age and what has changed since let one see. Of a
    PPG's size only that change is looked at: its gain is the monitor's own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.usual = nn.Buffer(torch.tensor(USUAL_MMHG))
        self.middle = nn.Buffer(torch.zeros(FEATURES))
        self.range = nn.Buffer(torch.ones(FEATURES))
        self.read = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(2 * FEATURES + _CHANGES + _CUFF, _HIDDEN),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(_HIDDEN, len(LEVELS) * len(QUANTILES)),
        )
        self.loosen = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, len(LEVELS)))

    def forward(self, now: Moment, reference: Reference | None) -> Tensor:
        """Give (B, L, Q) quantiles, ascending."""
        seen = self._standard(now.features)
        change, cuff, held, loose = self._cuff(now, seen, reference)
        told = self.read(torch.cat([seen, change, cuff], dim=1))
        told = told.view(len(seen), len(LEVELS), len(QUANTILES))
        middle = held + STEP_MMHG * loose * told[..., MIDDLE]
        steps = STEP_MMHG * loose[..., None] * F.softplus(told - 1)
        above = middle[..., None] + steps[..., MIDDLE + 1 :].cumsum(dim=2)
        below = middle[..., None] - steps[..., :MIDDLE].flip(2).cumsum(dim=2).flip(2)
        return torch.cat([below, middle[..., None], above], dim=2)

    def standardise(self, features: Tensor) -> None:
        """Take from (N, F) features what is usual of each, and from where to where most are."""
        known = features.isfinite().any(dim=0)
        q = torch.tensor([0.1, 0.5, 0.9], dtype=features.dtype)
        low, middle, high = features.nanquantile(q, dim=0).nan_to_num(0)
        wide = known & (high - low > torch.finfo(features.dtype).eps * middle.abs())
        self.middle.copy_(middle)
        self.range.copy_(torch.where(wide, high - low, 1))

    def _standard(self, features: Tensor) -> Tensor:
        """Bring features to about 1; what is untold is as usual."""
        standard = (features - self.middle) / self.range
        return standard.nan_to_num(0).clamp(-_FARTHEST, _FARTHEST)

    def _cuff(
        self, now: Moment, seen: Tensor, reference: Reference | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give (B, F) changes, (B, 9) of the reading, (B, L) what is held and how loosely."""
        usual = self.usual.expand(len(seen), -1)
        if reference is None:
            nothing = seen.new_zeros(len(seen), _CHANGES + _CUFF)
            return torch.zeros_like(seen), nothing, usual, torch.ones_like(usual)
        there = (reference.sbp.isfinite() & reference.dbp.isfinite())[:, None]
        sbp, dbp = reference.sbp.nan_to_num(0), reference.dbp.nan_to_num(0)
        pulse = sbp - dbp
        read = torch.stack([sbp, dbp, dbp + pulse / 3, dbp, sbp], dim=1)
        apart = (read - self.usual) / STEP_MMHG
        age = reference.age_s.abs().nan_to_num(0).div(60).log1p()
        change = seen - self._standard(reference.then.features)
        size = change.abs().mean(dim=1)
        about = torch.stack([age, size, size.clamp(min=0.01).log()], dim=1)
        told = [apart[:, :2], (pulse[:, None] - 60) / STEP_MMHG, age[:, None], there.float()]
        cuff = torch.cat([_changes(now, reference.then), *told], dim=1)
        zero, one = seen.new_zeros(()), seen.new_ones(())
        return (
            torch.where(there, change, zero),
            torch.where(there, cuff, zero),
            torch.where(there, read, usual),
            torch.where(there, self.loosen(about).sigmoid(), one),
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
