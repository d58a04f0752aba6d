"""Whether tensors are those of a network of some sizes, seen before anything is allocated."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from models.lavida.architecture import Sizes
from models.lavida.network import LaViDa

_MOST_SHOWN: Final = 100


def see_shapes(tensors: Mapping[str, Tensor], sizes: Sizes, path: str) -> None:
    """See that the tensors of a checkpoint are those of a network of its card's sizes.

    Raises:
        ValueError: naming the first that is not.
    """
    if max(sizes.language.depth, sizes.tower.depth) > len(tensors):  # before it is built
        message = f"{path} has {len(tensors)} tensors, fewer than its card says layers"
        raise ValueError(message)
    expected = our_shapes(sizes)
    for name in expected:
        if name not in tensors:
            message = f"{path}: {name} is missing, a tensor of shape {expected[name]} is expected"
            raise ValueError(message)
        see_shape(tuple(tensors[name].shape), expected[name], f"{path}: {name}")
    for name in tensors:
        if name not in expected:
            message = f"{path}: {shown(name)} is no tensor of LaViDa"
            raise ValueError(message)


def see_shape(got: tuple[int, ...], expected: tuple[int, ...], named: str) -> None:
    """See that a tensor has the shape that is expected.

    Raises:
        ValueError: where it has not.
    """
    if got != expected:
        message = f"{named} must have the shape {expected}, got {got}"
        raise ValueError(message)


def our_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Give the shapes of our network's tensors; nothing is allocated.

    Raises:
        ValueError: where a network of these sizes can't be built.
    """
    return {name: tuple(tensor.shape) for name, tensor in network_of(sizes).state_dict().items()}


def network_of(sizes: Sizes) -> LaViDa:
    """Build a network of tensors without numbers.

    Raises:
        ValueError: where one of these sizes can't be built.
    """
    try:
        with torch.device("meta"):
            return LaViDa(sizes)
    except (RuntimeError, TypeError, OverflowError) as error:
        message = "a LaViDa of these sizes can't be built: its tensors would be too large"
        raise ValueError(message) from error


def shown(name: str) -> str:
    """Quote a name that is not ours, which may be long or hold control characters."""
    return repr(name[:_MOST_SHOWN])
