"""A data file, read in exactly the ranges that are asked for."""

import io
import os
from typing import Any


class RangeFile(io.RawIOBase):
    """A file of any file system that is written once, and whose size the log tells.

    Nothing is asked of the store but the bytes: no size, no listing, no block read ahead.
    """

    def __init__(self, fs: Any, path: str, size: int) -> None:
        super().__init__()
        self.path = path
        self._fs = fs
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Give the offset of the next read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset from the start, from here or from the end."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Fetch the next ``size`` bytes, or all that are left.

        Raises:
            OSError: where the store fails, or gives less than the log tells.
        """
        left = max(self._size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        got: bytes = self._fs.cat_file(self.path, start=self._at, end=self._at + wanted)
        if len(got) != wanted:
            message = f"{self.path} gave {len(got)} bytes from {self._at}, expected {wanted}"
            raise OSError(message)
        self._at += wanted
        return got
