"""What a signal was, or will be, some beats away: the lags by which a window resembles itself.

One lag serves all modalities of a window, as one heart beats in all of them, so that a gap in one
is bridged by the period that the others show. Copies keep the sample's resolution, which tokens of
0.2 s don't have.

Shapes: B windows, M = 3 modalities, T = 600 samples, K lags.
"""

from typing import Final

import torch
from torch import Tensor

from models.tricardio.tracking import slopes_of, tracked

SHORTEST: Final = 38
"""Samples of a period: 197 beats/min."""

LONGEST: Final = 250
"""30 beats/min."""

BEATS: Final = 4
"""A copy may come from so many beats away."""

TRACKED: Final = 2
"""Lags of so many beats follow the beats along the window; longer ones are of the whole window."""

_LEAST_OVERLAP: Final = 60
_NEARLY_BEST: Final = 0.85
_WANDERS: Final = 6
"""Samples by which the lag of several beats may differ from so many periods."""

ECHOES: Final = 3
"""Views a modality: from before, from after, and the mean of all."""


@torch.no_grad()
def echoes_of(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Give (B, M, 3, T) copies of (B, M, T) signals, and where there are any.

    The first comes from as few beats before as has a sample there, the second from as few after,
    the third is the mean of all within ``BEATS``. 0 where there is none.
    """
    lags = beat_lags(x, mask)  # (B, K)
    slopes = slopes_of(x, mask)
    earlier, later = (
        [
            _moved(x, mask, tracked(slopes, lag) if k < TRACKED else lag[:, None])
            for k, lag in enumerate((sign * lags).unbind(dim=1))
        ]
        for sign in (1, -1)
    )
    before, has_before = _first(earlier)
    after, has_after = _first(later)
    count = torch.stack([told for _, told in earlier + later]).sum(dim=0)
    total = torch.stack([copy for copy, _ in earlier + later]).sum(dim=0)
    mean = total / count.clamp(min=1)
    return torch.stack([before, after, mean], 2), torch.stack([has_before, has_after, count > 0], 2)


def beat_lags(x: Tensor, mask: Tensor) -> Tensor:
    """Give (B, K) lags in samples of one to ``BEATS`` beats, by autocorrelation of what is there.

    The first is the shortest lag that is nearly the best; each further one is sought near the
    multiple of it.
    """
    likeness = _likeness(x, mask)  # (B, T)
    within = likeness[:, SHORTEST : LONGEST + 1]
    crest = torch.zeros_like(within, dtype=torch.bool)
    crest[:, 1:-1] = (within[:, 1:-1] >= within[:, :-2]) & (within[:, 1:-1] > within[:, 2:])
    best = torch.where(crest, within, -1).amax(dim=1, keepdim=True)
    good = crest & (within >= _NEARLY_BEST * best)
    period = good.float().argmax(dim=1) + SHORTEST
    lags = [period]
    around = torch.arange(-_WANDERS, _WANDERS + 1, device=x.device)
    for _ in range(BEATS - 1):
        near = (lags[-1] + period)[:, None] + around
        at = likeness.gather(1, near.clamp(max=likeness.shape[1] - 1))
        lags.append(near.gather(1, at.argmax(dim=1, keepdim=True))[:, 0])
    return torch.stack(lags, dim=1)


def _likeness(x: Tensor, mask: Tensor) -> Tensor:
    """Give (B, T) the mean over modalities of their autocorrelation over what both ends observe."""
    samples = x.shape[2]
    seen = mask.float()
    level = (x * seen).sum(dim=2, keepdim=True) / seen.sum(dim=2, keepdim=True).clamp(min=1)
    centred = (x - level) * seen
    product, overlap = _correlated(centred)[..., :samples], _correlated(seen)[..., :samples]
    power = product[..., :1] / overlap[..., :1].clamp(min=1)
    alike = product / overlap.clamp(min=_LEAST_OVERLAP) / power.clamp(min=1e-6)
    there = mask.any(dim=2, keepdim=True)
    return (alike * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)


def _correlated(rows: Tensor) -> Tensor:
    spectrum = torch.fft.rfft(rows, n=2 * rows.shape[-1])
    found: Tensor = torch.fft.irfft(spectrum.abs().square(), n=2 * rows.shape[-1])
    return found


def _moved(x: Tensor, mask: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    """Move every window by its own lags (B, T or 1); 0, False beyond its ends, where missing."""
    at = torch.arange(x.shape[2], device=x.device) - by
    inside = (at >= 0) & (at < x.shape[2])
    where = at.clamp(0, x.shape[2] - 1)[:, None].expand_as(x)
    told = mask.gather(2, where) & inside[:, None]
    return x.gather(2, where) * told, told


def _first(copies: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    found, told = copies[0]
    for copy, there in copies[1:]:
        found = torch.where(told, found, copy)
        told = told | there
    return found, told
