"""Windows that were spoiled, as the network sees them and as it should have them.

Shapes: B windows, M = 3 modalities, T = 600 samples with margins.
"""

from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor

from models.tricardio.encoder import ABSENT, NOISY, TRUSTED, Known
from models.tricardio.scaling import FARTHEST, Scale, scale_of

KEPT_WEIGHT: Final = 0.03
"""Of samples that were observed and trusted: what is made of them is not used."""

MOST_RATIO: Final = 3.0


@dataclass(frozen=True)
class Examples:
    """What is known, and the truth beside it.

    Attributes:
        known: what the network sees.
        truth: (B, M, T) in the scale of what is known; 0 where there is none.
        weight: (B, M, T) of each sample's error; 0 where there is no truth.
        ratio: (B, M) what an error in that scale is in units of the clean half range.
    """

    known: Known
    truth: Tensor
    weight: Tensor
    ratio: Tensor

    def to(self, device: str) -> Self:
        """Give them on a device."""
        known = (self.known.x, self.known.mask, self.known.state)
        rest = (self.truth, self.weight, self.ratio)
        return type(self)(Known(*(x.to(device) for x in known)), *(x.to(device) for x in rest))


def known_of(signals: Tensor, noisy: Tensor) -> tuple[Known, Scale]:
    """Scale (B, M, T) signals, NaN missing, by what is observed of each.

    ``noisy`` (B, M) says which are there and bad. One without a scale, as a flat line, is absent.
    The scale is of B * M rows.
    """
    rows = signals.flatten(0, 1)
    scale = scale_of(rows)
    there = scale.known.view(noisy.shape)
    state = torch.where(there, torch.where(noisy, NOISY, TRUSTED), ABSENT)
    mask = signals.isfinite() & there[..., None]
    return Known(scale.apply(rows).view_as(signals), mask, state), scale


def examples_of(clean: Tensor, fit: Tensor, seen: Tensor, noisy: Tensor) -> Examples:
    """Make examples of (B, M, T) clean and spoiled signals; ``fit`` (B, M) says what is truth."""
    known, scale = known_of(seen, noisy)
    rows = clean.flatten(0, 1)
    own = scale_of(rows)
    absent = ~scale.known
    used = Scale(
        torch.where(absent, own.middle, scale.middle), torch.where(absent, own.half, scale.half)
    )
    told = clean.isfinite() & (fit & (used.known & own.known).view(fit.shape))[..., None]
    trusted = known.mask & (known.state == TRUSTED)[..., None]
    weight = torch.where(trusted, KEPT_WEIGHT, 1.0) * told
    ratio = (used.half / own.half).nan_to_num(1.0).clamp(1 / MOST_RATIO, MOST_RATIO)
    truth = used.apply(rows).view_as(clean)
    # Beyond the clamp of the scale nothing can be learned.
    weight = weight * (truth.abs() < FARTHEST)
    return Examples(known, truth, weight, ratio.view(fit.shape))
