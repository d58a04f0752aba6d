"""One switch for what trades exactness for speed: bf16, and kernels compiled for the device."""

import os
import shutil
from typing import Final

import torch
from torch import Tensor
from torch import _dynamo as dynamo

from models.unicardio.block import KeysValues
from models.unicardio.embedding import Weights
from models.unicardio.network import Conditions, UniCardio
from models.unicardio.tasks import Task

MOST_GRAPHS: Final = 512


def see_acceleration(device: str) -> None:
    """See that a device of this machine can do it; one that is elsewhere can't be asked.

    Raises:
        ValueError: where it can't.
    """
    if device == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        message = "compiled kernels on the CPU need a C++ compiler; there is none: say --no-fast"
        raise ValueError(message)
    there = device != "cpu" and torch.cuda.is_available()
    if there and not torch.cuda.is_bf16_supported(including_emulation=False):
        message = f"{torch.cuda.get_device_name()} has no bf16: say --no-fast"
        raise ValueError(message)


class AcceleratedUniCardio(UniCardio):
    """Computes in bf16 by compiled streams, on CUDA as graphs. Needs a C++ compiler on the CPU.

    Off by, of the largest value, on the CPU, with made-up weights, over golden predictions and two
    samplings by DDIM of six steps: compiled kernels alone 1.2e-6 and 3e-7, as float32 is without
    them; bf16 alone 1.5 % and 0.25 %; both 1.1 % and 0.22 %. Both take 0.82 of the time there (two
    cores of an AMD EPYC, ten samples, two conditions). On CUDA nothing was measured.
    """

    def __init__(self, weights: Weights, device: str = "cpu") -> None:
        see_acceleration(device)
        super().__init__(weights)
        self.to(device, torch.bfloat16)
        # A graph a task and shape: past the limit torch would go on, uncompiled and rounding anew.
        dynamo.config.recompile_limit = MOST_GRAPHS
        dynamo.config.fail_on_recompile_limit_hit = True
        mode = "reduce-overhead" if self.device.type == "cuda" else "default"
        self._stream = torch.compile(super().stream, mode=mode, dynamic=False)
        self._denoise = torch.compile(super().denoise, mode=mode, dynamic=False)

    def stream(self, conditions: Conditions, t: Tensor) -> list[KeysValues]:
        """As ``UniCardio`` does; copied, for a graph's outputs are overwritten by its next run."""
        return [(keys.clone(), values.clone()) for keys, values in self._stream(conditions, t)]

    def denoise(self, x_t: Tensor, t: Tensor, task: Task, seen: list[KeysValues]) -> Tensor:
        """As ``UniCardio`` does; copied likewise."""
        return self._denoise(x_t, t, task, seen).clone()
