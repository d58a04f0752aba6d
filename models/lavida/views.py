"""What the encoder looks at: the whole strip and its crops.

Shapes: B strips, V = 5 views, M = 3 modalities in the order of ``MODALITIES``, T = 500 samples,
S = 125 samples a view; six channels, a modality's samples and where they were observed. Of images
H rows and W columns of pixels, and S = H a view's side; one channel.

ECG and PPG are scaled by their own middle and range, as their gain says little; a calibrated ABP
by fixed numbers, since its level is what is asked for. An uncalibrated one is scaled as the others.
"""

from typing import Final

import torch
from torch import Tensor

from models.lavida.architecture import CHANNELS, CROPS, SIDE
from models.lavida.words import ANNOTATE, TOKEN
from schemas.modality import MODALITIES, UNCALIBRATED, UNITS

_MIDDLE_MMHG: Final = 90.0
_HALF_MMHG: Final = 50.0
_FARTHEST: Final = 4.0
_OUTER: Final = (0.02, 0.98)
_WHITE: Final = 255


def signal_views(signals: Tensor, calibrated: Tensor) -> Tensor:
    """Give (B, V, 6, S) views of (B, M, T) signals, NaN missing.

    ``calibrated`` (B,) says whether ABP is in mmHg. The whole is averaged over four samples.
    """
    seen = signals.isfinite()
    x = torch.where(seen, _scaled(signals, seen, calibrated), 0.0)
    both = torch.cat([x, seen.float()], dim=1)  # (B, 6, T)
    crops = both.view(len(both), CHANNELS, CROPS, SIDE).transpose(1, 2)
    whole = both.view(len(both), CHANNELS, SIDE, -1).mean(dim=3)
    return torch.cat([whole[:, None], crops], dim=1)


def image_views(images: Tensor) -> Tensor:
    """Give (B, V, 1, S, S) views of (B, H, W) grey levels, 0 the white of paper and 1 black.

    Crops lie side by side along time. The whole is averaged over four columns.
    """
    ink = 1 - images.float() / _WHITE
    crops = ink.view(*ink.shape[:2], CROPS, -1).transpose(1, 2)  # (B, CROPS, S, S)
    whole = ink.view(*ink.shape[:2], -1, CROPS).mean(dim=3)
    return torch.cat([whole[:, None], crops], dim=1)[:, :, None]


def prompt_of(calibrated: Tensor, reading: Tensor | None = None) -> Tensor:
    """Ask for an annotation, say in which unit ABP is, and what an analyser has read: (B, Q).

    ``reading`` (B, R) are its tokens, which may be wrong; of images there are none.
    """
    asked = torch.full_like(calibrated, TOKEN[ANNOTATE], dtype=torch.long)
    unit = torch.where(calibrated, TOKEN[UNITS["abp"]], TOKEN[UNCALIBRATED])
    prompt = torch.stack([asked, unit], dim=1)
    return prompt if reading is None else torch.cat([prompt, reading], dim=1)


def _scaled(signals: Tensor, seen: Tensor, calibrated: Tensor) -> Tensor:
    ordered = torch.where(seen, signals, torch.inf).sort(dim=2).values
    count = seen.sum(dim=2, keepdim=True)
    low, middle, high = (
        ordered.gather(2, ((count - 1).clamp(min=0) * q).round().long())
        for q in (_OUTER[0], 0.5, _OUTER[1])
    )
    half = (high - low) / 2
    fixed = torch.zeros_like(middle, dtype=torch.bool)
    fixed[:, MODALITIES.index("abp"), 0] = calibrated
    middle = torch.where(fixed, _MIDDLE_MMHG, middle)
    half = torch.where(fixed, _HALF_MMHG, half)
    scaled = (signals - middle) / half.clamp(min=1e-6)
    return scaled.clamp(-_FARTHEST, _FARTHEST)
