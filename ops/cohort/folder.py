"""A folder that is whole or not there: filled beside its place, and moved in when it is done."""

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MARKER: Final = "cohort.json"
"""Written last: what was exported, and ``files``, the SHA-256 of each."""


@contextmanager
def whole_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill, which takes the place of ``out`` where the block ends well.

    A block that fails leaves nothing, one that is killed a hidden folder beside ``out``.

    Raises:
        ValueError: where something is at ``out`` that is no earlier export, or that is one and may
            not be overwritten.
    """
    see_free(out, overwrite=overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.parent / f".{out.name}.{uuid.uuid4().hex[:8]}"
    filled, old = beside.with_name(f"{beside.name}.partial"), beside.with_name(f"{beside.name}.old")
    filled.mkdir()
    try:
        yield filled
        see_free(out, overwrite=overwrite)
        if out.exists():
            out.rename(old)
        filled.rename(out)
    finally:
        shutil.rmtree(filled, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def see_free(out: Path, *, overwrite: bool) -> None:
    """See that an export may go to ``out``; what others have left there stays.

    Raises:
        ValueError: where it may not.
    """
    if not out.exists():
        return
    if not out.is_dir():
        message = f"{out} is a file: name a folder"
        raise ValueError(message)
    there = files_below(out)
    if not there and not any(out.iterdir()):
        return
    ours = _exported(out)
    others = sorted(path for path in there if path not in ours)
    if others:
        message = f"{out} holds what no export has left there ({others[0]}): name another folder"
        raise ValueError(message)
    if not overwrite:
        message = f"{out} holds an export already: name another folder, or --overwrite it"
        raise ValueError(message)


def leave_marker(folder: Path, told: dict[str, Any]) -> None:
    """Write what was exported, and the files that are there."""
    files = {path: sha256_of(folder / path) for path in files_below(folder)}
    text = json.dumps({**told, "files": files}, indent=1, ensure_ascii=False)
    (folder / MARKER).write_text(text + "\n", encoding="utf-8")


def files_below(folder: Path) -> list[str]:
    """List the files below a folder by their paths in it, in order."""
    found = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def sha256_of(path: Path) -> str:
    """Hash a file, a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _exported(out: Path) -> set[str]:
    """List what the marker says, and the marker; nothing where there is none."""
    try:
        told = json.loads((out / MARKER).read_text(encoding="utf-8"))
        return {MARKER, *told["files"]}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
