"""The flow from noise to what the mean leaves of the truth, and its few steps.

Rectified flow (Liu et al. 2023, arXiv 2209.03003) over the residual in units of its own expected
spread, as CorrDiff (Mardani et al. 2023, arXiv 2309.15214) does over that of a regression: the mean
needs no samples, and samples need few steps, since what they start from is of the right size.

Shapes: B windows, S samples a window, T = 600 samples with margins, N = 24 tokens, D channels.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from models.tricardio.architecture import PATCH, TOKENS, Sizes
from models.tricardio.transformer import Layer
from schemas.modality import MODALITIES

FREQUENCIES: Final = 16


class Flow(nn.Module):
    """Predicts the velocity of residuals on their way from noise (tau = 1) to truth (tau = 0)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.flow_width
        self.embed = nn.Linear(PATCH, width)
        self.given = nn.Linear(sizes.width, width)
        self.targets = nn.Parameter(0.02 * torch.randn(len(MODALITIES), width))
        self.time = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.layers = nn.Sequential(
            *(Layer(width, sizes.flow_heads) for _ in range(sizes.flow_depth))
        )
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, PATCH)
        nn.init.zeros_(self.read.weight)

    def forward(self, r: Tensor, tau: Tensor, context: Tensor) -> Tensor:
        """Give the velocity of (R, T) residuals at times (R,), given ``context`` (R, N, D)."""
        h = self.embed(r.view(len(r), TOKENS, PATCH)) + context
        h = h + self.time(_waves(tau))[:, None]
        velocity: Tensor = self.read(self.norm(self.layers(h)))
        return velocity.view(len(r), -1)

    def context(self, tokens: Tensor, target: Tensor) -> Tensor:
        """Prepare what is known (B, N, D) for targets (B,), once for all steps and samples."""
        prepared: Tensor = self.given(tokens) + self.targets[target][:, None]
        return prepared


def _waves(tau: Tensor) -> Tensor:
    rates = torch.pi * 2.0 ** torch.linspace(0, 6, FREQUENCIES, device=tau.device)
    angles = tau[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def sample_residuals(flow: Flow, context: Tensor, noise: Tensor, steps: int) -> Tensor:
    """Carry ``noise`` (B, S, T) to residuals by ``steps`` steps of Heun's method.

    The last step, which ends at the truth, is Euler's; so a step costs two predictions but for one.
    """
    rows, samples, length = noise.shape
    around = context.repeat_interleave(samples, dim=0)
    r = noise.reshape(rows * samples, length)
    times = torch.linspace(1, 0, steps + 1).tolist()
    for now, then in pairwise(times):
        velocity = flow(r, r.new_full((len(r),), now), around)
        ahead = r + (then - now) * velocity
        if then > 0:
            again = flow(ahead, r.new_full((len(r),), then), around)
            ahead = r + (then - now) * (velocity + again) / 2
        r = ahead
    return r.view(rows, samples, length)
