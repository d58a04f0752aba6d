"""Checkpoints of the released network, each tensor checked by its key.

The authors' files are pickles of a state dict whose keys begin with ``module.``; they are read by
``import_released`` alone. It leaves 173 of the 233 tensors in a safetensors file: those of the
layers that are never called are dropped.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from models.card import NOT_STATED, Card
from models.checkpoint import card_path, load_checkpoint, save_checkpoint
from models.pickled import unpickle_weights
from models.reading import read_bytes
from models.unicardio.architecture import never_called, released_shapes
from models.unicardio.schedule import ALPHA_BAR

ARCHITECTURE: Final = "unicardio"
PREFIX: Final = "module."
SCHEDULE: Final = "alpha_torch"
MOST_BYTES: Final = 2**28
_FLOATS: Final = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_MOST_SHOWN: Final = 100


def import_released(
    source: Path,
    out: Path,
    *,
    licence: str = NOT_STATED,
    origin: str | None = None,
    name: str = ARCHITECTURE,
) -> Card:
    """Write a released file's tensors to ``out``, with a card beside it.

    ``origin`` is the source's file name where it is not given.

    Raises:
        OSError: where one can't be read or the other written.
        ValueError: where the source is no released checkpoint, naming the first key that disagrees,
            or ``out`` is no place for a checkpoint.
    """
    if source.resolve() in (out.resolve(), Path(card_path(str(out))).resolve()):
        message = f"{out} would overwrite {source}, which it is made from: name another file"
        raise ValueError(message)
    content = read_bytes(str(source), MOST_BYTES)
    return save_checkpoint(
        out,
        _released(content, str(source)),
        architecture=ARCHITECTURE,
        name=name,
        origin=origin or source.name.encode(errors="replace").decode(),
        origin_sha256=hashlib.sha256(content).hexdigest(),
        licence=licence,
    )


def read_released(path: Path) -> dict[str, Tensor]:
    """Read a released file: its tensors in float32 by their keys without ``module.``.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is none, naming the first key that disagrees.
    """
    return _released(read_bytes(str(path), MOST_BYTES), str(path))


def read_unicardio(path: str) -> tuple[Card, dict[str, Tensor]]:
    """Read an imported checkpoint from a path or an fsspec URL.

    Raises:
        OSError: where it, or its card, can't be read.
        ValueError: where it is not what its card says, or its tensors are not the network's.
    """
    card, tensors = load_checkpoint(path, ARCHITECTURE)
    return card, _checked(tensors, path)


def check_shapes(tensors: Mapping[str, Tensor], where: str = "the checkpoint") -> None:
    """See that these are the network's tensors, those of never-called layers there or not.

    Raises:
        ValueError: naming the first key that is missing, of another form, or unknown.
    """
    expected = released_shapes()
    for key, shape in expected.items():
        if key in tensors:
            _check_form(tensors[key], shape, f"{where}: {key}")
        elif not never_called(key):
            message = f"{where}: {key} is missing, a tensor of shape {shape} is expected"
            raise ValueError(message)
    for key in tensors:
        if key not in expected:
            message = f"{where}: {_shown(key)} is no tensor of the released network"
            raise ValueError(message)


def _check_form(tensor: Tensor, shape: tuple[int, ...], named: str) -> None:
    dense = tensor.layout is torch.strided and not tensor.is_nested and tensor.device.type == "cpu"
    if not dense or tensor.dtype not in _FLOATS:
        form = f"{tensor.dtype}, {tensor.layout}, {tensor.device.type}"
        message = f"{named} must be a dense tensor of floating-point numbers, got {form}"
        raise ValueError(message)
    if tuple(tensor.shape) != shape:
        message = f"{named} must have the shape {shape}, got {tuple(tensor.shape)}"
        raise ValueError(message)


def _released(content: bytes, where: str) -> dict[str, Tensor]:
    return _checked(_state_dict(unpickle_weights(content, where), where), where)


def _state_dict(loaded: object, where: str) -> dict[str, Tensor]:
    """See that a pickle held a dict of tensors, and take the prefix off its keys."""
    if not isinstance(loaded, dict):
        kind = type(loaded).__name__
        message = f"{where}: its content is of type {kind}, a dict of tensors is expected"
        raise ValueError(message)  # noqa: TRY004 -- the file is wrong, not the argument
    for key, value in loaded.items():
        if not isinstance(key, str):
            message = f"{where} has a key of type {type(key).__name__}, a name is expected"
            raise ValueError(message)  # noqa: TRY004
        if not isinstance(value, Tensor):
            message = (
                f"{where}: {_shown(key)} is of type {type(value).__name__}, a tensor is expected"
            )
            raise ValueError(message)  # noqa: TRY004
    bare = [key for key in loaded if not key.startswith(PREFIX)]
    if 0 < len(bare) < len(loaded):
        message = f"{where}: {_shown(bare[0])} lacks the prefix {PREFIX!r}, which other keys have"
        raise ValueError(message)
    return {key.removeprefix(PREFIX): value for key, value in loaded.items()}


def _checked(tensors: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Give the tensors that are called, in the order of the network and memory of their own."""
    check_shapes(tensors, where)
    kept = {
        key: _numbers(tensors[key], f"{where}: {key}")
        for key in released_shapes()
        if not never_called(key)
    }
    _check_schedule(kept[SCHEDULE].flatten().double(), f"{where}: {SCHEDULE}")
    return kept


def _numbers(tensor: Tensor, named: str) -> Tensor:
    own = torch.empty(tensor.shape, dtype=torch.float32).copy_(tensor.detach())
    if not own.isfinite().all():
        message = f"{named} holds numbers that are not finite in float32"
        raise ValueError(message)
    return own


def _check_schedule(alpha_bar: Tensor, named: str) -> None:
    expected = torch.from_numpy(ALPHA_BAR)
    t = int((alpha_bar - expected).abs().argmax())
    if abs(alpha_bar[t] - expected[t]) > 1e-6:
        message = (
            f"{named} is another schedule than the release's: at step {t} "
            f"{expected[t]:.6g} is expected, got {alpha_bar[t]:.6g}"
        )
        raise ValueError(message)


def _shown(key: str) -> str:
    """Quote a name that is not ours, which may be long or hold control characters."""
    return repr(key[:_MOST_SHOWN])
