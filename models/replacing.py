"""Files of one folder that are written together, and replace what is there, or leave it whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Give a file to write for each path; renamed in their order once all are on the disk.

    Raises:
        OSError: where they can't be written.
    """
    for path in paths:
        _see_place(path)
    try:
        with tempfile.TemporaryDirectory(dir=paths[0].parent, prefix=".checkpoint-") as scratch:
            anew = [Path(scratch, path.name) for path in paths]
            yield anew
            for file in anew:
                _sync(file)
            for file, path in zip(anew, paths, strict=True):
                file.replace(path)
    except OSError as error:
        message = f"{paths[0]} can't be written ({error.strerror or error})"
        raise OSError(message) from error


def _see_place(path: Path) -> None:
    if not path.parent.is_dir():
        message = f"the folder of {path} is not there"
        raise FileNotFoundError(message)
    if path.is_dir():
        message = f"{path} can't be written: it is a folder"
        raise IsADirectoryError(message)


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
