"""A source behind any fsspec URL, and one in a bucket of S3."""

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import fsspec

from ops.entry import MAX_READ_BYTES, Entry
from ops.source_s3 import bring_object, read_object

_UNCACHED: Final = {"use_listings_cache": False, "skip_instance_cache": True}


class Remote:
    """Any fsspec file system; nothing of it is cached, since a night wants what is there now."""

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        self._url, self._options = url, options
        self._made: tuple[int, Any, str] | None = None
        self.unlisted: dict[str, OSError] = {}

    def _fs(self) -> tuple[Any, str]:
        if self._made is None or self._made[0] != os.getpid():
            self._made = os.getpid(), *self._opened()
        return self._made[1:]

    def _opened(self) -> tuple[Any, str]:
        fs, root = fsspec.core.url_to_fs(self._url, **{**_UNCACHED, **self._options})
        return fs, root.rstrip("/")

    def listing(self) -> Iterator[Entry]:
        """Every file below the source; see ``Source.listing``."""
        fs, root = self._fs()
        infos = fs.find(root, detail=True)
        if not infos:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        for name, info in infos.items():
            path = name.removeprefix(root + "/")
            if path != name and not any(part[:1] in {"", "."} for part in path.split("/")):
                yield Entry.of(path, info)

    def look(self, path: str) -> Entry:
        """What a file is now.

        Raises:
            FileNotFoundError: where there is none.
        """
        fs, root = self._fs()
        info = fs.info(f"{root}/{path}")
        if info.get("type") == "directory":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return Entry.of(path, info)

    def read(self, path: str, entry: Entry | None) -> bytes:
        """The first bytes of a file, and one more than ``MAX_READ_BYTES`` where it has more."""
        fs, root = self._fs()
        whole = f"{root}/{path}"
        try:
            content = bytes(fs.cat_file(whole, start=0, end=MAX_READ_BYTES + 1))
        except OSError as error:
            # No range of an empty object can be satisfied.
            if error.errno != errno.EINVAL or fs.info(whole)["size"] != 0:
                raise
            content = b""
        if entry:
            entry.see(fs.info(whole))
            if len(content) <= MAX_READ_BYTES:
                entry.see_size(len(content))
        return content

    def bring(self, path: str, to: Path, entry: Entry | None) -> None:
        """Put a file ``to`` a new path."""
        fs, root = self._fs()
        fs.get_file(f"{root}/{path}", str(to))
        if entry:
            entry.see(fs.info(f"{root}/{path}"))
            entry.see_size(to.stat().st_size)

    def see_kept(self, path: str, entry: Entry) -> None:
        """A copy stays what it was."""


class Bucket(Remote):
    """A part of a bucket of S3: what was listed is what comes, at no request more."""

    def _opened(self) -> tuple[Any, str]:
        fs, root = super()._opened()
        fs.retries = 1  # botocore and the source try again, with longer waits
        return fs, root

    def read(self, path: str, entry: Entry | None) -> bytes:
        """As ``Remote``, by one request."""
        fs, root = self._fs()
        return read_object(fs, f"{root}/{path}", MAX_READ_BYTES + 1, entry)

    def bring(self, path: str, to: Path, entry: Entry | None) -> None:
        """As ``Remote``, by one request, or several at once for a large object."""
        fs, root = self._fs()
        bring_object(fs, f"{root}/{path}", to, entry)
