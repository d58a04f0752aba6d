"""A source in a local folder."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from ops.entry import MAX_READ_BYTES, Entry, OutsideError


class Folder:
    """A local folder. A link counts as the file it leads to, where that is inside the folder."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("file://").removeprefix("local://")
        self._root = Path(os.path.realpath(Path(path).expanduser()))
        self.unlisted: dict[str, OSError] = {}

    def listing(self) -> Iterator[Entry]:
        """Every file below the source; see ``Source.listing``."""
        self.unlisted = {}
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                entries, below = self._scanned(folder)
            except OSError as error:
                if not folder:
                    raise
                self.unlisted[folder.rstrip("/")] = error
                continue
            waiting += below
            yield from entries

    def _scanned(self, folder: str) -> tuple[list[Entry], list[str]]:
        """The files in a folder, and the folders; none of the files where one can't be told."""
        entries, below = [], []
        with os.scandir(self._root / folder) as found:
            for item in found:
                path = folder + item.name
                if item.name.startswith("."):
                    continue
                if item.is_dir(follow_symlinks=False):
                    below.append(f"{path}/")
                elif (stat := _target(item)) is None:
                    continue
                elif S_ISREG(stat.st_mode):
                    entries.append(Entry.of(path, _told(stat)))
                elif S_ISDIR(stat.st_mode):
                    why = "links to folders are not followed"
                    self.unlisted[path] = PermissionError(errno.EPERM, why)
        return entries, below

    def look(self, path: str) -> Entry:
        """What a file is now.

        Raises:
            FileNotFoundError: where there is none.
        """
        return Entry.of(path, _told(self._inside(path).stat()))

    def read(self, path: str, entry: Entry | None) -> bytes:
        """The first bytes of a file, and one more than ``MAX_READ_BYTES`` where it has more."""
        with self._inside(path).open("rb") as file:
            content = file.read(MAX_READ_BYTES + 1)
            if entry:
                entry.see(_told(os.fstat(file.fileno())))
        return content

    def bring(self, path: str, to: Path, entry: Entry | None) -> None:
        """Put a file ``to`` a new path, one that can be opened."""
        real = self._inside(path)
        with real.open("rb"):
            to.symlink_to(real)
        if entry:
            self.see_kept(path, entry)

    def see_kept(self, path: str, entry: Entry) -> None:
        """See that a file that was linked is still the one that was listed."""
        entry.see(_told(self._inside(path).stat()))

    def _inside(self, path: str) -> Path:
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._root):
            raise OutsideError(errno.EPERM, "it leads out of the source")
        if not real.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return real


def _target(item: os.DirEntry[str]) -> os.stat_result | None:
    """What a file is, or what a link leads to; null where that is not there.

    Raises:
        PermissionError: where the folder does not let its files be looked at.
    """
    try:
        return item.stat()
    except OSError as error:
        if item.is_symlink() or isinstance(error, FileNotFoundError):
            return None
        raise


def _told(stat: os.stat_result) -> dict[str, object]:
    return {"size": stat.st_size, "mtime": stat.st_mtime_ns}
