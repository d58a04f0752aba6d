"""How the lag of a copy changes along a window, as beats do not come evenly.

Near each moment the lag is sought at which the slopes of all modalities there resemble themselves
best: where one has a gap, the others tell when its beats were.

Shapes: B windows, M = 3 modalities, T = 600 samples, P = 120 fine positions, W lags around one.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.tricardio.architecture import FINE
from models.tricardio.boxes import around

WITHIN: Final = 10
"""Samples by which a lag may differ from the window's."""

_REACH: Final = 2
"""Samples on either side that a slope is taken over."""

_NEAR: Final = 8
_FAR: Final = 20
"""Fine positions on either side that tell of a moment, and that tell a little."""

_FAR_SHARE: Final = 0.1
_CAUTION: Final = 0.1
_LEAST_POWER: Final = 0.1


@dataclass(frozen=True)
class Slopes:
    """(B, M, T) slopes of unit power a row, 0 where unknown, and where they are known."""

    f: Tensor
    known: Tensor


def slopes_of(x: Tensor, mask: Tensor) -> Slopes:
    """Take the slopes of (B, M, T) signals."""
    inside = slice(_REACH, -_REACH)
    f, known = torch.zeros_like(x), torch.zeros_like(x)
    ends = mask[..., 2 * _REACH :] & mask[..., : -2 * _REACH] & mask[..., inside]
    known[..., inside] = ends.float()
    f[..., inside] = (x[..., 2 * _REACH :] - x[..., : -2 * _REACH]) * ends
    power = f.square().sum(dim=2, keepdim=True) / known.sum(dim=2, keepdim=True).clamp(min=1)
    return Slopes(f / power.sqrt().clamp(min=1e-6), known)


def tracked(slopes: Slopes, lag: Tensor) -> Tensor:
    """Give (B, T) the lag near ``lag`` (B,) at every sample; negative ones look ahead."""
    f, known = slopes.f, slopes.known
    then, told = _shifted(f, lag), _shifted(known, lag)
    like = _over_time(f, then)
    power = (_over_time(f.square(), told) + _over_time(known, then.square())) / 2
    apart = torch.arange(WITHIN, -WITHIN - 1, -1, device=f.device)
    score = (like - _CAUTION * (apart / WITHIN).square()) / (power + _LEAST_POWER)
    best = apart[score.argmax(dim=2)]
    return lag[:, None] + best.repeat_interleave(FINE, dim=1)


def _shifted(x: Tensor, lag: Tensor) -> Tensor:
    """Give (B, M, T, W) what each sample would be if it came ``lag`` and some samples later."""
    samples = x.shape[2]
    at = torch.arange(-WITHIN, samples + WITHIN, device=x.device) - lag[:, None]
    inside = (at >= 0) & (at < samples)
    where = at.clamp(0, samples - 1)[:, None].expand(-1, x.shape[1], -1)
    return (x.gather(2, where) * inside[:, None]).unfold(2, 2 * WITHIN + 1, 1)


def _over_time(a: Tensor, b: Tensor) -> Tensor:
    """Give (B, P, W) the mean near each fine position of (B, M, T) times (B, M, T, W)."""
    rows, modalities, samples, lags = b.shape
    product = (a[..., None] * b).view(rows, modalities, samples // FINE, FINE, lags)
    pooled = product.sum(dim=(1, 3)).transpose(1, 2)
    near = around(pooled, _NEAR) / (2 * _NEAR * FINE)
    far = around(pooled, _FAR) / (2 * _FAR * FINE)
    return (near + _FAR_SHARE * far).transpose(1, 2)
