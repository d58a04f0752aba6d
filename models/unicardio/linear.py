"""Linear maps by the fastest kernel of the machine that keeps float32.

PyTorch's own path on the CPU is MKL, which on processors other than Intel's stays with 256-bit
vectors; oneDNN, which PyTorch brings along for its compiler, uses what the processor has. Over
(5000, 288) → 576 on an AMD EPYC with AVX-512, two cores: 211 GFLOP/s by MKL, 414 by oneDNN. The two
differ by rounding alone (relative 1e-6).
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ONEDNN: Final = hasattr(torch.ops.mkldnn, "_linear_pointwise")

M = TypeVar("M", bound=nn.Module)


def modules(parts: Iterable[M]) -> Sequence[M]:
    """Make a list that the module it is set on knows, and that keeps the type of its parts."""
    return cast("Sequence[M]", nn.ModuleList(parts))


class Linear(nn.Module):
    """``x W^T + b``, then an activation or an addend, in one pass where the machine can.

    Args:
        weight: (out, in).
        bias: (out,), or (n, out) for n sets of which a call chooses one.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Buffer(weight.float().contiguous())
        self.bias = nn.Buffer(bias.float().contiguous())

    def forward(
        self,
        x: Tensor,
        *,
        activation: Literal["none", "gelu"] = "none",
        addend: Tensor | None = None,
        row: Tensor | None = None,
    ) -> Tensor:
        """Map (..., in) to (..., out), plus ``addend`` of that shape, by biases ``row`` (1,)."""
        bias = self.bias if row is None else self.bias.index_select(0, row)[0]
        y: Tensor
        if _onednn_can(x):
            kernel = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 -- no public name
            if addend is not None:
                y = kernel.binary(x, addend, self.weight, bias, "add")
            else:
                y = kernel(x, self.weight, bias, activation, [], "none")
            return y
        y = F.linear(x, self.weight, bias)
        y = F.gelu(y) if activation == "gelu" else y
        return y if addend is None else y + addend


def _onednn_can(x: Tensor) -> bool:
    exact = x.device.type == "cpu" and x.dtype == torch.float32
    return ONEDNN and exact and not torch.compiler.is_compiling()
