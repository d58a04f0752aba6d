"""A slot's samples into tokens.

Shapes: N signals, T = 500 samples, D = 288 channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.unicardio.architecture import KERNELS, SLOT_SAMPLES, WIDTH
from models.unicardio.embedding import Weights

TAPS = max(KERNELS)


class SlotEncoder(nn.Module):
    """Six convolutions folded into one of eleven taps, and a norm over channels and time."""

    def __init__(self, weights: Weights, slot: int) -> None:
        super().__init__()
        name = f"diffmodel.input_projection_modality_{slot + 1}.conv_layers"
        taps = [
            F.pad(weights[f"{name}.{i}.weight"][:, 0], ((TAPS - kernel) // 2,) * 2)
            for i, kernel in enumerate(KERNELS)
        ]
        self.taps = nn.Buffer(torch.cat(taps).T.contiguous())  # (TAPS, D)
        self.bias = nn.Buffer(torch.cat([weights[f"{name}.{i}.bias"] for i in range(len(KERNELS))]))
        norm = f"diffmodel.norm{slot + 1}"
        self.scale = nn.Buffer(weights[f"{norm}.weight"].T.contiguous())  # (T, D)
        self.shift = nn.Buffer(weights[f"{norm}.bias"].T.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Encode (N, T) samples as (N, T, D) tokens."""
        around = F.pad(x, (TAPS // 2, TAPS // 2)).unfold(-1, TAPS, 1)  # (N, T, TAPS)
        tokens = around @ self.taps + self.bias  # (N, T, D)
        return F.layer_norm(tokens, (SLOT_SAMPLES, WIDTH), self.scale, self.shift)
