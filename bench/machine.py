"""What a benchmark of torch says of the machine that it ran on."""

import os
from typing import Any

import torch


def machine() -> dict[str, Any]:
    """Tell cores, vector instructions and version of torch, and what else the machine does now."""
    return {
        "cores": os.cpu_count(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "load_average": os.getloadavg()[0],
        "torch": torch.__version__,
    }
