"""Pre-norm layers: over a few dozen tokens by attention, over fine positions by their neighbours.

Shapes: B rows, N tokens or positions, D channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Layer(nn.Module):
    """Attention over all tokens, then a feed-forward of twice the width, each added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, N, D) through."""
        rows, tokens, width = x.shape
        qkv = self.into(self.norm1(x)).view(rows, tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, N, D/H) each
        seen = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, tokens, width))
        hidden = F.gelu(self.widen(self.norm2(x)), approximate="tanh")
        y: Tensor = x + self.narrow(hidden)
        return y


class Local(nn.Module):
    """A feed-forward over a position and its two neighbours, added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(3 * width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, N, D) through; beyond the ends is 0."""
        padded = F.pad(self.norm(x), (0, 0, 1, 1))
        around = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=2)
        y: Tensor = x + self.narrow(F.gelu(self.widen(around), approximate="tanh"))
        return y
