"""A file of a source as a listing told it, and what to say where it is another one by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_VERSIONS: Final = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "updated", "created")

MAX_READ_BYTES: Final = 8 * 2**20
"""Of a file that is read at once: no header, no ``RECORDS`` has more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a source: ``path`` below it, size in bytes, ETag or else its time of change."""

    path: str
    size: int
    version: str

    @classmethod
    def of(cls, path: str, info: Mapping[str, object]) -> "Entry":
        """Take what an fsspec file system tells of a file; what it does not tell is 0 or empty."""
        return cls(path, int(str(info.get("size") or 0)), next(iter(_versions(info)), ""))

    def see(self, info: Mapping[str, object]) -> None:
        """See that a file is still this one, by what its file system tells of it now.

        Raises:
            ChangedError: where its size or its version is another.
        """
        versions = _versions(info)
        told = self.version and versions
        size = info.get("size")
        if (told and self.version not in versions) or (told and size not in {None, self.size}):
            raise ChangedError(CHANGED)

    def see_size(self, n_bytes: int) -> None:
        """See that a file came whole.

        Raises:
            OSError: where it did not; the next try may bring it.
        """
        if n_bytes != self.size and (self.version or self.size):
            message = f"{n_bytes} bytes came where {self.size} were listed"
            raise OSError(message)


class ChangedError(OSError):
    """A file is not the one that was listed: what was read of it is of no use beside the rest."""


class OutsideError(PermissionError):
    """A file that leads out of its source: no permission would ever let it be read."""


class CredentialsError(PermissionError):
    """A store does not know who asks, or not any more: it would give no other file either."""


CHANGED: Final = "it has changed since it was listed"

WHOLE_RECORD: Final = (ChangedError, TimeoutError)
"""Failures that are not one file's: its record is of no use without it, or none can be had."""


def _versions(info: Mapping[str, object]) -> list[str]:
    known = (info[name] for name in _VERSIONS if info.get(name) is not None)
    # A file system may tell a time as a number where it lists, and as a datetime where it is asked.
    told = (str(one.timestamp() if isinstance(one, datetime) else one) for one in known)
    return [text for text in (one.strip('"') for one in told) if text]
