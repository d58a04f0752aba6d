"""The denoiser: conditions' stream once a window and timestep, target's stream once a sample.

Shapes: W windows, S samples a window, K condition slots, T = 500 samples or tokens a slot,
D = 288 channels.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.unicardio.architecture import BLOCKS, N_SLOTS, RESTORATION
from models.unicardio.block import Block, KeysValues
from models.unicardio.embedding import Weights, position_table, step_embeddings
from models.unicardio.encoder import SlotEncoder
from models.unicardio.linear import modules
from models.unicardio.tasks import Task


@dataclass(frozen=True)
class Conditions:
    """Encoded conditions of W windows.

    Attributes:
        slots: their slots, ascending.
        tokens: (W, K*T, D).
    """

    slots: tuple[int, ...]
    tokens: Tensor


class UniCardio(nn.Module):
    """Predicts the noise in a target slot from what condition slots hold.

    Exactly the released network, less what its output does not depend on: slots that a task does
    not use, conditions again for every sample, what a condition would do after its last keys.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        steps, positions = step_embeddings(weights), position_table()
        self.encoders = modules(SlotEncoder(weights, slot) for slot in range(N_SLOTS))
        firsts = torch.stack(
            [
                weights[f"diffmodel.output_projection{m + 1}_1.weight"][..., 0]
                for m in range(RESTORATION)
            ]
        )
        folded = firsts.double() / math.sqrt(BLOCKS)
        self.blocks = modules(
            Block(weights, number, steps, positions, folded) for number in range(BLOCKS)
        )
        self.heads = modules(Head(weights, m) for m in range(RESTORATION))

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.heads[0].bias.device

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in; the noise that it predicts is float32."""
        return self.heads[0].bias.dtype

    def encode(self, signals: Tensor, slots: tuple[int, ...]) -> Conditions:
        """Encode (W, K, T) scaled signals of the condition ``slots``."""
        x = signals.to(self.dtype)
        tokens = [self.encoders[slot](x[:, i]) for i, slot in enumerate(slots)]
        return Conditions(slots, torch.cat(tokens, dim=1))

    def stream(self, conditions: Conditions, t: Tensor) -> list[KeysValues]:
        """Run the conditions at a timestep; give what a target of any task reads, by block."""
        x, seen = conditions.tokens, []
        for block in self.blocks[:-1]:
            x, keys_values = block.conditions(x, t, conditions.slots)
            seen.append(keys_values)
        return [*seen, self.blocks[-1].keys_values(x, t)]

    def denoise(self, x_t: Tensor, t: Tensor, task: Task, seen: list[KeysValues]) -> Tensor:
        """Predict the noise in (W, S, T) samples at a timestep, given the conditions' stream."""
        x = self.encoders[task.target](x_t.flatten(0, 1).to(self.dtype))  # (W*S, T, D)
        total: Tensor | None = None
        for block, keys_values in zip(self.blocks, seen, strict=True):
            gated = block.target(x, t, task.target, keys_values)
            total = block.skips[task.head](gated, addend=total)
            if block is not self.blocks[-1]:
                x = block.onward(x, gated)
        noise: Tensor = self.heads[task.head](total)
        return noise.view_as(x_t).float()


class Head(nn.Module):
    """What is left of a modality's output head once its first layer is folded into the skips."""

    def __init__(self, weights: Weights, slot: int) -> None:
        super().__init__()
        name = f"diffmodel.output_projection{slot + 1}"
        self.bias = nn.Buffer(weights[f"{name}_1.bias"])
        self.weight = nn.Buffer(weights[f"{name}_2.weight"][0, :, 0])
        self.last_bias = nn.Buffer(weights[f"{name}_2.bias"])

    def forward(self, total: Tensor) -> Tensor:
        """Map the sum of the skips (N, T, D) to the predicted noise (N, T)."""
        return F.relu(total + self.bias) @ self.weight + self.last_bias
