"""Checkpoints: tensors in a safetensors file, with a JSON card beside it.

``X.safetensors`` has the card ``X.json``. Neither can hold code.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import safetensors.torch
from pydantic import BaseModel, JsonValue, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from models.card import NOT_STATED, Card, make_card, parse_card
from models.mapped import held_still, map_tensors, sha256_of
from models.reading import read_bytes
from models.replacing import replacing

Settings = TypeVar("Settings", bound=BaseModel)

SUFFIX: Final = ".safetensors"
MOST_BYTES: Final = 2**30
MOST_CARD_BYTES: Final = 2**20
_NOT_WRITTEN: Final = "0" * 64


def card_path(path: str) -> str:
    """Give the path or URL of a checkpoint's card.

    Raises:
        ValueError: where ``path`` is not that of a safetensors file.
    """
    if not path.endswith(SUFFIX):
        message = (
            f"a checkpoint is a {SUFFIX} file, got {path}; "
            "`pulselake checkpoint import` makes one of a released .pth file"
        )
        raise ValueError(message)
    return path.removesuffix(SUFFIX) + ".json"


def load_checkpoint(path: str, architecture: str) -> tuple[Card, dict[str, Tensor]]:
    """Read a checkpoint of ``architecture`` from a path or an fsspec URL.

    Raises:
        FileNotFoundError: where the file or its card is not there.
        ValueError: where it is of another architecture, broken, or not what its card says.
    """
    card, tensors = _read(path)
    _see_architecture(card, architecture, path)
    return card, tensors


def map_checkpoint(path: str, architecture: str) -> tuple[Card, dict[str, Tensor]]:
    """Map a checkpoint that may be larger than memory; at a URL it is read, as others are.

    A local file is hashed and mapped: its tensors are read from the disk where they are used. It
    is refused where it changes meanwhile. What is written into it later is not seen; a file that
    replaces it does no harm.

    Raises:
        FileNotFoundError: where the file or its card is not there.
        ValueError: where it is of another architecture, broken, or not what its card says.
    """
    if "://" in path:
        return load_checkpoint(path, architecture)
    card_path(path)  # refuses another kind of file before it is read
    file = Path(path)
    with held_still(file):
        card = _card(path)
        _see_architecture(card, architecture, path)
        _see_sum(card, sha256_of(file), path, file.stat().st_size)
        tensors = map_tensors(file)
    _see_count(card, tensors, path)
    return card, tensors


def architecture_of(path: str) -> str:
    """Tell whose the checkpoint at ``path`` is by its card alone; the file is left unread.

    Raises:
        FileNotFoundError: where the file's card is not there.
        ValueError: where the card is broken.
    """
    return card_alone(path).architecture


def card_alone(path: str) -> Card:
    """Read the card of the checkpoint at ``path``; the file is left unread, whatever it is.

    Raises:
        FileNotFoundError: where the file's card is not there.
        ValueError: where the card is broken.
    """
    try:
        return _card(path)
    except FileNotFoundError:
        return read_card(path)  # which says whether the file is there


def read_card(path: str) -> Card:
    """Read the card of the checkpoint at ``path``, and see that the file is what it says.

    Raises:
        FileNotFoundError: where the file or its card is not there.
        ValueError: where either is broken, or they disagree.
    """
    return _read(path)[0]


def _read(path: str) -> tuple[Card, dict[str, Tensor]]:
    """Read the bytes once: those that are parsed are those whose checksum was seen."""
    card_path(path)  # refuses another kind of file before it is read
    content = read_bytes(path, MOST_BYTES)
    card = _card(path)
    _see_sum(card, hashlib.sha256(content).hexdigest(), path, len(content))
    tensors = _tensors(content, path)
    _see_count(card, tensors, path)
    return card, tensors


def _see_architecture(card: Card, architecture: str, path: str) -> None:
    if card.architecture != architecture:
        message = f"{path} is a checkpoint of {card.architecture}, {architecture} is expected"
        raise ValueError(message)


def _see_sum(card: Card, found: str, path: str, size: int) -> None:
    if found != card.sha256:
        message = (
            f"{path} is not the file of its card: SHA-256 {card.sha256} expected, "
            f"got {found} ({size:,} bytes)"
        )
        raise ValueError(message)


def _see_count(card: Card, tensors: Mapping[str, Tensor], path: str) -> None:
    n_parameters = _count(tensors)
    if n_parameters != card.n_parameters:
        message = f"{path} has {n_parameters} parameters, its card says {card.n_parameters}"
        raise ValueError(message)


def _card(path: str) -> Card:
    beside = card_path(path)
    try:
        return parse_card(read_bytes(beside, MOST_CARD_BYTES), beside)
    except FileNotFoundError as error:
        message = f"{beside}, the card of {path}, is not there"
        raise FileNotFoundError(message) from error


def _tensors(content: bytes, path: str) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except Exception as error:  # what the parser raises depends on what is wrong
        message = f"{path} can't be read as safetensors: it is cut short, broken or something else"
        raise ValueError(message) from error


def _count(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def save_checkpoint(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    *,
    architecture: str,
    name: str,
    origin: str,
    origin_sha256: str | None = None,
    licence: str = NOT_STATED,
    settings: Mapping[str, JsonValue] | None = None,
) -> Card:
    """Write a checkpoint and its card to a local path; what is there is replaced, or left whole.

    Tensors that are mapped stay on the disk.

    Raises:
        OSError: where it can't be written.
        ValueError: where the path or a field of the card is wrong.
    """
    beside = card_path(str(path))
    _see_card(Path(beside))
    card = make_card(
        architecture=architecture,
        name=name,
        origin=origin,
        origin_sha256=origin_sha256,
        licence=licence,
        sha256=_NOT_WRITTEN,
        n_parameters=_count(tensors),
        settings=dict(settings or {}),
    )
    with replacing(Path(path), Path(beside)) as (file, card_file):
        _save(tensors, file)
        card = card.model_copy(update={"sha256": sha256_of(file)})
        card_file.write_bytes(card.to_json().encode())
    return card


def _save(tensors: Mapping[str, Tensor], file: Path) -> None:
    """Write a safetensors file that those may read who may read other new files."""
    file.touch()
    mode = file.stat().st_mode
    try:
        safetensors.torch.save_file(dict(tensors), file)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    file.chmod(mode)


def change_settings(path: Path, settings: Mapping[str, JsonValue]) -> Card:
    """Give the card of a local checkpoint other settings; its tensors stay as they are.

    Raises:
        OSError: where it can't be read or written.
        ValueError: where it is no checkpoint, or the settings can't be in a card.
    """
    card = read_card(str(path))
    changed = make_card(**{**card.model_dump(), "settings": dict(settings)})
    with replacing(Path(card_path(str(path)))) as (card_file,):
        card_file.write_bytes(changed.to_json().encode())
    return changed


def _see_card(path: Path) -> None:
    """Refuse to replace a JSON file that is no card: its name was not given, but follows."""
    if not path.is_file():
        return
    try:
        parse_card(path.read_bytes(), str(path))
    except ValueError as error:
        message = f"{path}, where the card would be, is there and is no card: name another file"
        raise ValueError(message) from error


def settings_of(card: Card, settings: type[Settings], path: str) -> Settings:
    """Read what a card says beside the usual.

    Raises:
        ValueError: naming the first setting that can't be used.
    """
    try:
        return settings.model_validate(card.settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"the card of {path} has settings that can't be used: {where}: {first['msg']}"
        raise ValueError(message) from error


def fill_module(
    module: nn.Module, tensors: Mapping[str, Tensor], path: str, architecture: str
) -> None:
    """Give a module the weights of a checkpoint.

    Raises:
        ValueError: where they are not those of a module of its size, or not finite.
    """
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        message = f"{path} has tensors that are not those of a {architecture} of its card's sizes"
        raise ValueError(message) from error
    if not all(tensor.isfinite().all() for tensor in module.state_dict().values()):
        message = f"{path} has weights that are not finite"
        raise ValueError(message)
