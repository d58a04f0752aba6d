"""The encoder of views: SigLIP's layers over patches of an image, or of a signal.

Shapes: V views, C channels, N tokens a view, D width.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.lavida.architecture import TowerSizes

_CONVOLUTION: Final[dict[int, type[nn.Conv1d | nn.Conv2d]]] = {1: nn.Conv1d, 2: nn.Conv2d}


class Tower(nn.Module):
    """Patches with learned positions through pre-norm layers; no norm after the last."""

    def __init__(self, sizes: TowerSizes) -> None:
        super().__init__()
        convolution = _CONVOLUTION[sizes.dimensions]
        self.patch = convolution(sizes.channels, sizes.width, sizes.patch, sizes.stride)
        self.position = nn.Embedding(sizes.tokens**sizes.dimensions, sizes.width)
        self.layers = nn.ModuleList(TowerLayer(sizes) for _ in range(sizes.depth))

    def forward(self, views: Tensor) -> Tensor:
        """Encode (V, C, ...) views into (V, N, D), rows of an image one after the other."""
        x = self.patch(views).flatten(2).transpose(1, 2)  # (V, N, D)
        x = x + self.position.weight
        for layer in self.layers:
            x = layer(x)
        return torch.as_tensor(x)


class TowerLayer(nn.Module):
    """Attention and a feed-forward, each normed before and added."""

    def __init__(self, sizes: TowerSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.norm1 = nn.LayerNorm(sizes.width, eps=sizes.eps)
        self.q = nn.Linear(sizes.width, sizes.width)
        self.k = nn.Linear(sizes.width, sizes.width)
        self.v = nn.Linear(sizes.width, sizes.width)
        self.out = nn.Linear(sizes.width, sizes.width)
        self.norm2 = nn.LayerNorm(sizes.width, eps=sizes.eps)
        self.widen = nn.Linear(sizes.width, sizes.mlp)
        self.narrow = nn.Linear(sizes.mlp, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        """Take (V, N, D) through."""
        normed = self.norm1(x)
        q, k, v = (split_heads(f(normed), self.heads) for f in (self.q, self.k, self.v))
        x = x + self.out(join_heads(F.scaled_dot_product_attention(q, k, v)))
        hidden = F.gelu(self.widen(self.norm2(x)), approximate="tanh")
        y: Tensor = x + self.narrow(hidden)
        return y


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Give (B, H, N, D/H) of (B, N, D)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """Give (B, N, D) of (B, H, N, D/H)."""
    return x.transpose(1, 2).flatten(2)
