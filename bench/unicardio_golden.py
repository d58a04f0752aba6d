"""Made-up weights of UniCardio, made again from the names of its tensors."""

import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.card import Card
from models.checkpoint import save_checkpoint
from models.unicardio.architecture import Shape, released_shapes
from models.unicardio.schedule import ALPHA_BAR

F32 = NDArray[np.float32]


def named(name: str, *shape: int) -> F32:
    """Draw standard normal numbers that follow from a name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return rng.standard_normal(shape, dtype=np.float32)


def golden_weights(shapes: Mapping[str, Shape]) -> dict[str, F32]:
    """Make the tensor of every key; ``alpha_torch`` is the schedule itself."""
    return {key: _weight(key, shape) for key, shape in shapes.items()}


def made_up_tensors() -> dict[str, Tensor]:
    """Make all 233 tensors of a network that was never trained."""
    return {key: torch.from_numpy(w) for key, w in golden_weights(released_shapes()).items()}


def save_made_up(path: Path, **changed: Tensor) -> Card:
    """Save them as a checkpoint with its card; ``changed`` replaces some by key."""
    tensors = made_up_tensors() | changed
    return save_checkpoint(path, tensors, architecture="unicardio", name="made-up", origin="a test")


def _weight(key: str, shape: Shape) -> F32:
    if key == "alpha_torch":
        return ALPHA_BAR.astype(np.float32).reshape(shape)
    drawn = named(key, *shape)
    if "norm" in key and key.endswith("weight"):
        return 1 + np.float32(0.1) * drawn
    if key.endswith("bias"):
        return np.float32(0.02) * drawn
    return drawn / np.float32(math.sqrt(math.prod(shape[1:])))
