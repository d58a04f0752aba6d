"""Pre-norm transformer layers over a few dozen tokens.

Shapes: B rows, N tokens, D channels.
"""

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
