"""What ``torch.save`` wrote, read without running anything that is in it."""

import io
import pickletools
import re
import warnings
import zipfile
from typing import Final

import torch

MOST_UNPACKED_BYTES: Final = 2**28
MOST_PICKLE_BYTES: Final = 2**20
"""Of the pickle beside the tensors' bytes: 233 tensors take 40,000."""

MOST_OPCODES: Final = 100_000
"""Of 233 tensors there are 10,000."""

_LEGACY_PICKLES: Final = 5
_ZIP: Final = b"PK\x03\x04"
_WANTED: Final = re.compile(r"GLOBAL ([\w.]{1,100})")


def unpickle_weights(content: bytes, where: str) -> object:
    """Unpickle tensors, dicts and numbers; ``where`` is how a sentence names the file.

    Raises:
        ValueError: where there is anything else in it, or it is broken; nothing has been run.
    """
    if content.startswith(_ZIP):
        _see_sizes(content, where)
    else:
        _see_opcodes(content, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on what is wrong
        raise ValueError(_sentence(error, where)) from error


def _see_sizes(content: bytes, where: str) -> None:
    """Refuse an archive that would unpack to more than a checkpoint has."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except Exception as error:  # what zipfile raises depends on what is wrong
        raise ValueError(_sentence(error, where)) from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED_BYTES:
        message = f"{where} unpacks to {unpacked:,} bytes, at most {MOST_UNPACKED_BYTES:,} are read"
        raise ValueError(message)
    pickled = max(
        (e.file_size for e in entries if e.filename.lower().endswith("data.pkl")), default=0
    )
    if pickled > MOST_PICKLE_BYTES:
        message = (
            f"{where} holds a pickle of {pickled:,} bytes beside its tensors, "
            f"at most {MOST_PICKLE_BYTES:,} are read"
        )
        raise ValueError(message)


def _see_opcodes(content: bytes, where: str) -> None:
    """Refuse pickles of the format before zip that would build more than a checkpoint has.

    They stand one after the other before the tensors' bytes; where one is broken, torch says so.
    """
    stream, count = io.BytesIO(content), 0
    try:
        for _ in range(_LEGACY_PICKLES):
            for _ in pickletools.genops(stream):
                count += 1
                if count > MOST_OPCODES:
                    break
    except Exception:  # noqa: S110 -- what pickletools raises depends on what is wrong
        pass
    if count > MOST_OPCODES:
        message = f"{where} holds a pickle of over {MOST_OPCODES:,} steps, more than tensors need"
        raise ValueError(message)


def _sentence(error: Exception, where: str) -> str:
    wanted = _WANTED.search(str(error))
    if wanted:
        return f"{where} asks for {wanted[1]}, which no tensor needs: refused, and nothing was run"
    return (
        f"{where} can't be read as a file of torch.save that holds tensors alone: "
        "it is cut short, broken or something else; nothing was run"
    )
