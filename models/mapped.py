"""Safetensors files of any size on a local disk: mapped, not read.

What is mapped is read from the disk where it is used, and takes no memory that can't be given
back. Only a regular file is opened.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple

from safetensors import safe_open
from torch import Tensor


class Form(NamedTuple):
    """What a file's header says of a tensor."""

    dtype: str
    shape: tuple[int, ...]


def forms_of(path: Path) -> dict[str, Form]:
    """Tell the tensors of a file by its header alone.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no safetensors file.
    """
    with _opened(path) as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            name: Form(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
        }


def map_tensors(path: Path) -> dict[str, Tensor]:
    """Map the tensors of a file, which stays mapped for as long as one of them is there.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no safetensors file.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def sha256_of(path: Path) -> str:
    """Give a file's SHA-256, read piece by piece.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no file.
    """
    _state(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unread(path, error) from error


@contextmanager
def held_still(path: Path) -> Iterator[None]:
    """See that a file is the same, unchanged, at the end as at the beginning.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no file, or was changed or replaced.
    """
    before = _state(path)
    yield
    if _state(path) != before:
        message = f"{path} was changed while it was read"
        raise ValueError(message)


def _state(path: Path) -> tuple[int, ...]:
    try:
        held = path.stat()
    except OSError as error:
        raise _unread(path, error) from error
    if not S_ISREG(held.st_mode):
        message = f"{path} is no file"
        raise ValueError(message)
    return held.st_dev, held.st_ino, held.st_size, held.st_mtime_ns, held.st_ctime_ns


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    _state(path)  # a pipe would be waited for
    try:
        with safe_open(os.fspath(path), "pt") as file:
            yield file
    except OSError as error:
        raise _unread(path, error) from error
    except Exception as error:  # what the parser raises depends on what is wrong
        message = f"{path} can't be read as safetensors: it is cut short, broken or something else"
        raise ValueError(message) from error


def _unread(path: Path, error: OSError) -> OSError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FileNotFoundError(f"{path} is not there")
    return OSError(f"{path} can't be read ({error.strerror or error})")
