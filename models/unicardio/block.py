"""A residual block, its constants folded, for the conditions' tokens and for the target's.

Shapes: W windows, S samples a window, N tokens, K condition slots, T = 500 tokens a slot,
D = 288 channels.

A block adds the timestep's embedding to a token ``x``, runs one post-norm transformer layer and a
gate, and gives ``(x + residual) / sqrt(2)`` and a skip. Folded at load: the timestep's term into
the biases before and after the attention (a table of 50), the attention's scale into the queries,
the second norm's affine and the position's term into the gate's input (a table a slot), the square
root of two into the residual, and the skip into the first layer of each head.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.unicardio.architecture import HEADS, WIDTH
from models.unicardio.embedding import Weights
from models.unicardio.linear import Linear, modules

KeysValues = tuple[Tensor, Tensor]
"""Keys and values of condition tokens: (W, N, D) each."""


class Block(nn.Module):
    """One of the five.

    Args:
        weights: of a released checkpoint.
        number: which block, from 0.
        steps: (STEPS, 256) embeddings of the timesteps.
        positions: (4, T, D) sines of the positions.
        heads: (3, D, D) what each head's first layer does to the sum of the skips.
    """

    def __init__(
        self, weights: Weights, number: int, steps: Tensor, positions: Tensor, heads: Tensor
    ) -> None:
        super().__init__()
        name = f"diffmodel.residual_layers.{number}."
        own = {k.removeprefix(name): w.double() for k, w in weights.items() if k.startswith(name)}
        layer = "time_layer.layers.0."
        self._fold_attention(own, layer, steps.double())
        self.norm1_weight = nn.Buffer(own[f"{layer}norm1.weight"].float())
        self.norm1_bias = nn.Buffer(own[f"{layer}norm1.bias"].float())
        self.widen = Linear(own[f"{layer}linear1.weight"], own[f"{layer}linear1.bias"])
        self.narrow = Linear(own[f"{layer}linear2.weight"], own[f"{layer}linear2.bias"])
        self._fold_gate(own, layer, positions.double(), heads.double())

    def _fold_attention(self, own: Weights, layer: str, steps: Tensor) -> None:
        into = own[f"{layer}self_attn.in_proj_weight"].clone()
        bias = own[f"{layer}self_attn.in_proj_bias"].clone()
        into[:WIDTH] /= math.sqrt(WIDTH // HEADS)
        bias[:WIDTH] /= math.sqrt(WIDTH // HEADS)
        step = F.linear(steps, own["diffusion_projection.weight"], own["diffusion_projection.bias"])
        self.into_attention = Linear(into, F.linear(step, into, bias))
        self.into_keys_values = Linear(into[WIDTH:], F.linear(step, into, bias)[:, WIDTH:])
        self.out_of_attention = Linear(
            own[f"{layer}self_attn.out_proj.weight"], own[f"{layer}self_attn.out_proj.bias"] + step
        )

    def _fold_gate(self, own: Weights, layer: str, positions: Tensor, heads: Tensor) -> None:
        mid = own["mid_projection.weight"][..., 0]
        shift = own["mid_projection.bias"] + mid @ own[f"{layer}norm2.bias"]
        at = F.linear(
            positions, own["cond_projection.weight"][..., 0], own["cond_projection.bias"] + shift
        )
        scaled = mid * own[f"{layer}norm2.weight"]
        self.into_gate = Linear(scaled, torch.zeros(len(scaled)))
        self.at_position = nn.Buffer(at.float())  # (4, T, 2D)
        out, bias = own["output_projection.weight"][..., 0], own["output_projection.bias"]
        half = math.sqrt(0.5)
        self.residual = Linear(out[:WIDTH] * half, bias[:WIDTH] * half)
        self.skips = modules(Linear(head @ out[WIDTH:], head @ bias[WIDTH:]) for head in heads)

    def keys_values(self, x: Tensor, t: Tensor) -> KeysValues:
        """Give what targets read of condition tokens (W, N, D) at timestep ``t``."""
        keys, values = self.into_keys_values(x, row=t).chunk(2, dim=-1)
        return keys, values

    def conditions(self, x: Tensor, t: Tensor, slots: tuple[int, ...]) -> tuple[Tensor, KeysValues]:
        """Take condition tokens (W, K*T, D) through the block; also give what targets read."""
        queries, keys, values = self.into_attention(x, row=t).chunk(3, dim=-1)
        gated = self._gated(x, _attend(queries, keys, values), t, slots)
        return self.onward(x, gated), (keys, values)

    def target(self, x: Tensor, t: Tensor, slot: int, seen: KeysValues) -> Tensor:
        """Take target tokens (W*S, T, D) as far as the gate: (W*S, T, D)."""
        queries, keys, values = self.into_attention(x, row=t).chunk(3, dim=-1)
        both = [_beside(theirs, own) for theirs, own in zip(seen, (keys, values), strict=True)]
        return self._gated(x, _attend(queries, *both), t, (slot,))

    def _gated(self, x: Tensor, attended: Tensor, t: Tensor, slots: tuple[int, ...]) -> Tensor:
        h: Tensor = self.out_of_attention(attended, addend=x, row=t)
        h = F.layer_norm(h, (WIDTH,), self.norm1_weight, self.norm1_bias)
        h = self.narrow(self.widen(h, activation="gelu"), addend=h)
        h = self.into_gate(F.layer_norm(h, (WIDTH,)))  # (.., 2D)
        at = self.at_position[slots[0]] if len(slots) == 1 else self.at_position[list(slots)]
        first, second = h.add_(at.flatten(0, -2)).chunk(2, dim=-1)
        return first.sigmoid() * second.tanh()

    def onward(self, x: Tensor, gated: Tensor) -> Tensor:
        """Give the tokens that the next block takes."""
        residual: Tensor = self.residual(gated)
        return residual.add_(x, alpha=math.sqrt(0.5))


def _attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend within rows: (R, N, D) queries, already scaled, over (R, M, D) keys."""
    q, k, v = (x.view(*x.shape[:2], HEADS, -1).transpose(1, 2) for x in (queries, keys, values))
    return F.scaled_dot_product_attention(q, k, v, scale=1.0).transpose(1, 2).flatten(2)


def _beside(theirs: Tensor, own: Tensor) -> Tensor:
    """Put the conditions' (W, N, D) before each sample's own (W*S, T, D): (W*S, N + T, D)."""
    samples = len(own) // len(theirs)
    shared = theirs[:, None].expand(-1, samples, -1, -1).flatten(0, 1)
    return torch.cat([shared, own], dim=1)
