"""Checkpoints: tensors in a safetensors file, with a JSON card beside it.

``X.safetensors`` has the card ``X.json``. Neither can hold code.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import safetensors.torch
from pydantic import JsonValue
from torch import Tensor

from models.card import NOT_STATED, Card, make_card, parse_card
from models.reading import read_bytes

SUFFIX: Final = ".safetensors"
MOST_BYTES: Final = 2**30
MOST_CARD_BYTES: Final = 2**20


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
    if card.architecture != architecture:
        message = f"{path} is a checkpoint of {card.architecture}, {architecture} is expected"
        raise ValueError(message)
    return card, tensors


def architecture_of(path: str) -> str:
    """Tell whose the checkpoint at ``path`` is by its card alone; the file is left unread.

    Raises:
        FileNotFoundError: where the file's card is not there.
        ValueError: where the card is broken.
    """
    try:
        return _card(path).architecture
    except FileNotFoundError:
        return read_card(path).architecture  # which says whether the file is there


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
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        message = (
            f"{path} is not the file of its card: SHA-256 {card.sha256} expected, "
            f"got {found} ({len(content):,} bytes)"
        )
        raise ValueError(message)
    tensors = _tensors(content, path)
    n_parameters = _count(tensors)
    if n_parameters != card.n_parameters:
        message = f"{path} has {n_parameters} parameters, its card says {card.n_parameters}"
        raise ValueError(message)
    return card, tensors


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

    Raises:
        OSError: where it can't be written.
        ValueError: where the path or a field of the card is wrong.
    """
    beside = card_path(str(path))
    _see_card(Path(beside))
    content = safetensors.torch.save(dict(tensors))
    card = make_card(
        architecture=architecture,
        name=name,
        origin=origin,
        origin_sha256=origin_sha256,
        licence=licence,
        sha256=hashlib.sha256(content).hexdigest(),
        n_parameters=_count(tensors),
        settings=dict(settings or {}),
    )
    _write({Path(path): content, Path(beside): card.to_json().encode()})
    return card


def change_settings(path: Path, settings: Mapping[str, JsonValue]) -> Card:
    """Give the card of a local checkpoint other settings; its tensors stay as they are.

    Raises:
        OSError: where it can't be read or written.
        ValueError: where it is no checkpoint, or the settings can't be in a card.
    """
    card = read_card(str(path))
    changed = make_card(**{**card.model_dump(), "settings": dict(settings)})
    _write({Path(card_path(str(path))): changed.to_json().encode()})
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


def _write(contents: dict[Path, bytes]) -> None:
    """Write files of one folder, renamed in their order once all of them are on the disk."""
    for path in contents:
        _see_place(path)
    first = next(iter(contents))
    try:
        with tempfile.TemporaryDirectory(dir=first.parent, prefix=".checkpoint-") as scratch:
            for path, content in contents.items():
                with Path(scratch, path.name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            for path in contents:
                Path(scratch, path.name).replace(path)
    except OSError as error:
        message = f"{first} can't be written ({error.strerror or error})"
        raise OSError(message) from error


def _see_place(path: Path) -> None:
    if not path.parent.is_dir():
        message = f"the folder of {path} is not there"
        raise FileNotFoundError(message)
    if path.is_dir():
        message = f"{path} can't be written: it is a folder"
        raise IsADirectoryError(message)
