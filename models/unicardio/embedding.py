"""Constant tables of the network: timesteps, positions.

Both are built in float32, as the release does: arguments of the timestep's sines reach 5e5, where
a table in float64 differs by 1e-2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.unicardio.architecture import N_SLOTS, SLOT_SAMPLES, STEP_WIDTH, STEPS, WIDTH

Weights = dict[str, Tensor]


def step_embeddings(weights: Weights) -> Tensor:
    """Give the embedding of every timestep: (STEPS, STEP_WIDTH)."""
    half = STEP_WIDTH // 2
    frequencies = 10.0 ** (torch.arange(half) / (half - 1) * 4.0)
    angles = torch.arange(STEPS)[:, None] * frequencies[None]
    table = torch.cat([angles.sin(), angles.cos()], dim=1)
    for layer in ("projection1", "projection2"):
        name = f"diffmodel.diffusion_embedding.{layer}"
        table = F.silu(F.linear(table, weights[f"{name}.weight"], weights[f"{name}.bias"]))
    return table


def position_table() -> Tensor:
    """Give the sines of every position of every slot: (N_SLOTS, SLOT_SAMPLES, WIDTH)."""
    position = torch.arange(N_SLOTS * SLOT_SAMPLES, dtype=torch.float32)[:, None]
    rates = 1 / torch.pow(10000.0, torch.arange(0, WIDTH, 2) / WIDTH)
    table = torch.empty(N_SLOTS * SLOT_SAMPLES, WIDTH)
    table[:, 0::2] = torch.sin(position * rates)
    table[:, 1::2] = torch.cos(position * rates)
    return table.view(N_SLOTS, SLOT_SAMPLES, WIDTH)
