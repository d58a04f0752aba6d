"""The language model: LLaDA's bidirectional layers over a prefix and an answer.

Shapes: B rows, P tokens of the prefix, A of the answer, H heads, D width.

Where the prefix does not see the answer, what is cached of it is exact. Keys are cached as RoPE has
turned them, once; the release caches them before, and turns them anew in each step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.lavida.architecture import LanguageSizes
from models.lavida.tower import join_heads, split_heads


@dataclass(frozen=True)
class Cache:
    """Keys and values of a prefix a layer, each (B, H, P, D/H), keys turned by their positions."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        """Tokens of the prefix."""
        return self.keys[0].shape[2]

    def repeat(self, times: int) -> "Cache":
        """Give the cache of the same rows, all of them ``times`` times, one set after the other."""
        return Cache(
            *(tuple(x.repeat(times, 1, 1, 1) for x in part) for part in (self.keys, self.values))
        )


class Language(nn.Module):
    """Tokens or embeddings in, logits out; attention is full unless a mask says otherwise."""

    def __init__(self, sizes: LanguageSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.embed = nn.Embedding(sizes.vocabulary, sizes.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.depth))
        self.norm = nn.RMSNorm(sizes.width, eps=sizes.eps)
        self.head = nn.Linear(sizes.width, sizes.vocabulary, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """Give (B, N, vocabulary) of (B, N, D) embeddings that follow what is cached.

        ``mask`` broadcasts to (B, H, N, P + N) and is True where one may look.
        """
        start = 0 if cache is None else cache.length
        turns = turns_of(start + x.shape[1], self.sizes, x.device)
        for i, layer in enumerate(self.layers):
            before = None if cache is None else (cache.keys[i], cache.values[i])
            x, _ = layer(x, turns, mask, before)
        logits: Tensor = self.head(self.norm(x))
        return logits

    def extended(self, x: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Read (B, N, D) that follow what is cached, each seeing those before it: logits and cache.

        Logits are (B, N, vocabulary); what was read is in the cache that is given back.
        """
        turns = turns_of(cache.length + x.shape[1], self.sizes, x.device)
        mask = causal_mask(cache.length, x.shape[1], x.device)
        keys, values = [], []
        for layer, k, v in zip(self.layers, cache.keys, cache.values, strict=True):
            x, (more_k, more_v) = layer(x, turns, mask, (k, v))
            keys.append(torch.cat([k, more_k], dim=2))
            values.append(torch.cat([v, more_v], dim=2))
        logits: Tensor = self.head(self.norm(x))
        return logits, Cache(tuple(keys), tuple(values))

    def prefill(self, x: Tensor) -> Cache:
        """Give what there is to remember of a prefix (B, P, D) that sees itself alone."""
        turns = turns_of(x.shape[1], self.sizes, x.device)
        kept = []
        for layer in self.layers:
            x, pair = layer(x, turns, None, None)
            kept.append(pair)
        return Cache(tuple(k for k, _ in kept), tuple(v for _, v in kept))


class Layer(nn.Module):
    """Attention and a gated feed-forward, each normed before and added; no biases."""

    def __init__(self, sizes: LanguageSizes) -> None:
        super().__init__()
        width = sizes.width
        self.heads = sizes.heads
        self.norm1 = nn.RMSNorm(width, eps=sizes.eps)
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.RMSNorm(width, eps=sizes.eps)
        self.gate = nn.Linear(width, sizes.mlp, bias=False)
        self.up = nn.Linear(width, sizes.mlp, bias=False)
        self.down = nn.Linear(sizes.mlp, width, bias=False)

    def forward(
        self,
        x: Tensor,
        turns: tuple[Tensor, Tensor],
        mask: Tensor | None,
        before: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Take (B, N, D) through; give its own keys and values too."""
        normed = self.norm1(x)
        q, k, v = (split_heads(f(normed), self.heads) for f in (self.q, self.k, self.v))
        q, k = turned(q, turns), turned(k, turns)
        keys, values = k, v
        if before is not None:
            keys, values = torch.cat([before[0], k], dim=2), torch.cat([before[1], v], dim=2)
        seen = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        x = x + self.out(join_heads(seen))
        normed = self.norm2(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed)), (k, v)


def turns_of(length: int, sizes: LanguageSizes, device: torch.device) -> tuple[Tensor, Tensor]:
    """Give cosines and sines (length, D/H/2) of RoPE's angles at each position."""
    half = sizes.width // sizes.heads // 2
    pair = torch.arange(half, dtype=torch.float32, device=device)
    at = torch.arange(length, dtype=torch.float32, device=device)
    angle = at[:, None] * sizes.theta ** (-pair / half)
    return angle.cos(), angle.sin()


def turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Turn (B, H, N, D/H) by the last N positions' angles, its halves being the pairs."""
    cos, sin = (part[-x.shape[2] :].to(x.dtype) for part in turns)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def prefix_mask(prefix: int, answer: int, device: torch.device | None = None) -> Tensor:
    """Say (P + A, P + A) that the prefix sees itself alone, and the answer all."""
    of_prefix = torch.arange(prefix + answer, device=device) < prefix
    return ~of_prefix[:, None] | of_prefix[None, :]


def causal_mask(prefix: int, answer: int, device: torch.device | None = None) -> Tensor:
    """Say (A, P + A) that each token of the answer sees the prefix, those before it, and itself."""
    before = torch.ones(answer, answer, dtype=torch.bool, device=device).tril()
    return torch.cat([before.new_ones(answer, prefix), before], dim=1)
