"""What to say where a disk takes no more, or never did: a lake's, or that of files being read."""

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deltalake.exceptions import DeltaError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_SHUT: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_NOT_THERE: Final = (errno.ENOENT, errno.ENOTDIR)
_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
_ANOTHER: Final = "or name another one by --scratch"


class NoRoomError(OSError):
    """What a run writes to takes nothing: no input is to blame, and each would fail by it."""


@contextmanager
def room_in(what: str, full: str, shut: str = "", *, makes: bool = False) -> Iterator[None]:
    """Say what to do where a block can't write.

    Args:
        what: it writes to, such as ``lake /srv/lake``.
        full: what to do where that is full.
        shut: what to do where that is not there, or not to be written to; empty where such an error
            may be about something else that the block does.
        makes: whether the block does nothing but make files, so that what is not there is the
            folder, and no file that was to be read.

    Raises:
        NoRoomError: where it can't.
    """
    try:
        yield
    except NoRoomError:
        raise
    except (OSError, DeltaError) as error:
        number = _number(error)
        if number in _FULL:
            message = f"{what} is full: {full}"
        elif shut and (number in _SHUT or (makes and number in _NOT_THERE)):
            message = f"{what} can't be written to: {shut}"
        else:
            raise
        raise NoRoomError(message) from error


@contextmanager
def scratch_folder(within: str | None) -> Iterator[Path]:
    """Make a folder for files that are read, gone after the block.

    Raises:
        NoRoomError: where it can't be made.
    """
    name = f"scratch folder {within or tempfile.gettempdir()}"
    full, shut = f"make room there, {_ANOTHER}", f"let this user write there, {_ANOTHER}"
    with room_in(name, full, shut, makes=True):
        made = tempfile.TemporaryDirectory(prefix="pulselake-", dir=within)
    with made as folder:
        yield Path(folder)


@contextmanager
def room_for_fetched(scratch: Path) -> Iterator[None]:
    """Say what to do where the disk of a ``scratch_folder`` is full.

    Raises:
        NoRoomError: where it is.
    """
    with room_in(f"scratch folder {scratch.parent}", f"make room there, {_ANOTHER}"):
        yield


def _number(error: Exception) -> int | None:
    """Give an error's number, which delta-rs tells in words alone."""
    told = _OS_ERROR.search(str(error))
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) else int(told[1]) if told else None
