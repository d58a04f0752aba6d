"""What ``torch.save`` wrote, read without running anything that is in it."""

import io
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Final

import torch

MOST_UNPACKED_BYTES: Final = 2**28
MOST_PICKLE_BYTES: Final = 2**20
"""Of the pickle beside the tensors' bytes: 233 tensors take 40,000."""

MOST_OPCODES: Final = 100_000
"""Of 233 tensors there are 10,000."""

_PICKLE: Final = "data.pkl"
_LEGACY_PICKLES: Final = 5
_ZIP: Final = b"PK\x03\x04"
_WANTED: Final = re.compile(r"GLOBAL ([\w.]{1,100})")

_STORAGES: Final = (
    "Float",
    "Double",
    "Half",
    "BFloat16",
    "Long",
    "Int",
    "Short",
    "Char",
    "Byte",
    "Bool",
)
NEEDED: Final = frozenset(
    {
        "collections OrderedDict",
        "torch Size",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in _STORAGES),
    }
)
"""What the pickle of a state dict names. torch allows more, such as ``bytearray``, which fills as
many bytes as it is told.
"""


def unpickle_weights(content: bytes, where: str) -> object:
    """Unpickle tensors, dicts and numbers; ``where`` is how a sentence names the file.

    Raises:
        ValueError: where there is anything else in it, or it is broken; nothing has been run.
    """
    try:
        if content.startswith(_ZIP):
            content = _repacked(content, where)
        else:
            _see_opcodes(content, _LEGACY_PICKLES, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except _RefusedError:
        raise
    except Exception as error:  # what is raised depends on what is wrong
        raise ValueError(_sentence(error, where)) from error


def _repacked(content: bytes, where: str) -> bytes:
    """Write an archive's entries anew, each seen and its checksum verified.

    An archive can be read in two ways, and torch reads it in another than ``zipfile`` does: what is
    given to torch is what was seen here.
    """
    anew = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(anew, "w") as written:
        entries = archive.infolist()
        _see_sizes(entries, where)
        for entry in entries:
            held = archive.read(entry)
            if entry.filename.lower().endswith(_PICKLE):
                _see_opcodes(held, 1, where)
            written.writestr(zipfile.ZipInfo(entry.filename), held)
    return anew.getvalue()


def _see_sizes(entries: list[zipfile.ZipInfo], where: str) -> None:
    """Refuse an archive that would unpack to more than a checkpoint, or has one name twice."""
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED_BYTES:
        message = f"{where} unpacks to {unpacked:,} bytes, at most {MOST_UNPACKED_BYTES:,} are read"
        raise _RefusedError(message)
    pickled = max((e.file_size for e in entries if e.filename.lower().endswith(_PICKLE)), default=0)
    if pickled > MOST_PICKLE_BYTES:
        message = (
            f"{where} holds a pickle of {pickled:,} bytes beside its tensors, "
            f"at most {MOST_PICKLE_BYTES:,} are read"
        )
        raise _RefusedError(message)
    if len({entry.filename for entry in entries}) != len(entries):
        message = f"{where} holds two entries of one name; nothing was run"
        raise _RefusedError(message)


def _see_opcodes(content: bytes, pickles: int, where: str) -> None:
    """Refuse pickles that would build more than a checkpoint has, or that name what none needs."""
    for count, (opcode, named) in enumerate(_opcodes(content, pickles)):
        if count >= MOST_OPCODES:
            message = (
                f"{where} holds a pickle of over {MOST_OPCODES:,} steps, more than tensors need"
            )
            raise _RefusedError(message)
        if opcode in ("GLOBAL", "INST") and named not in NEEDED:
            raise _RefusedError(_asks_for(".".join(str(named).split()), where))


def _opcodes(content: bytes, pickles: int) -> Iterator[tuple[str, object]]:
    """Give the steps of pickles that stand one after the other, as before the zip format.

    Raises:
        ValueError: and others, where one is broken: torch might read on.
    """
    stream = io.BytesIO(content)
    for _ in range(pickles):
        for opcode, named, _at in pickletools.genops(stream):
            yield opcode.name, named


class _RefusedError(ValueError):
    """A sentence of this module, on its way past what others raise."""


def _asks_for(name: str, where: str) -> str:
    return f"{where} asks for {name[:100]}, which no tensor needs: refused, and nothing was run"


def _sentence(error: Exception, where: str) -> str:
    wanted = _WANTED.search(str(error))
    if wanted:
        return _asks_for(wanted[1], where)
    return (
        f"{where} can't be read as a file of torch.save that holds tensors alone: "
        "it is cut short, broken or something else; nothing was run"
    )
