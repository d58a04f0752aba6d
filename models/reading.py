"""Bytes of a file that is not trusted yet, from a path or an fsspec URL."""

import os
from typing import Any, Final

import fsspec
from aiohttp import ClientError
from botocore.exceptions import BotoCoreError
from fsspec.implementations.local import LocalFileSystem

_UNREAD: Final = (OSError, BotoCoreError, ClientError)


def read_bytes(path: str, most: int) -> bytes:
    """Read a file of at most ``most`` bytes, its size seen before it is read.

    Raises:
        FileNotFoundError: where it is not there.
        OSError: where it can't be read.
        ValueError: where it is no file, is too large, or its address is none.
    """
    try:
        content = _read(path, most)
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{path} is not there"
        raise FileNotFoundError(message) from error
    except _UNREAD as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        message = f"{path} can't be read ({' '.join(why.split())})"
        raise OSError(message) from error
    if len(content) > most:
        raise ValueError(_too_large(path, f"more than {most:,}", most))
    return content


def _read(path: str, most: int) -> bytes:
    fs, inner = _file_system(path)
    info = fs.info(inner)
    if info["type"] != "file":
        message = f"{path} is no file"
        raise ValueError(message)
    if (info.get("size") or 0) > most:
        raise ValueError(_too_large(path, f"{info['size']:,}", most))
    with fs.open(inner, "rb") as file:
        # The size may not be known, or not be true.
        return bytes(file.read(most + 1))


def _file_system(path: str) -> tuple[Any, str]:
    """Open the file system anew, since one that is kept remembers endpoints and listings."""
    if "://" not in path:
        return LocalFileSystem(), os.fspath(path)
    try:
        fs, inner = fsspec.core.url_to_fs(path, skip_instance_cache=True, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        message = f"{path} can't be opened: {error}"
        raise ValueError(message) from error
    return fs, inner


def _too_large(path: str, size: str, most: int) -> str:
    return f"{path} has {size} bytes, at most {most:,} are read"
