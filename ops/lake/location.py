"""Where a lake lives: a local folder or an fsspec URL."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fsspec
from aiohttp import ClientError
from botocore.exceptions import BotoCoreError
from deltalake.exceptions import DeltaError
from fsspec.implementations.local import LocalFileSystem

from ops.patience import S3FS_TRIES, delta_patience, polars_patience, s3fs_patience
from ops.protocol import check_protocol
from ops.room import NoRoomError, room_in

TRIES_A_REQUEST: Final = 4
MOST_TOLD: Final = 400
_DRAWN: Final = re.compile("\x1b\\[[0-9;]*m|\u21b3")
"""Colours and arrows in the errors of delta-rs."""
_FRAMES: Final = re.compile(r"\n\s*0: .*", re.DOTALL)
"""A backtrace of delta-rs, from its first frame on."""
_HINT: Final = re.compile(r" \(set POLARS_VERBOSE=1[^)]*\)")
_DAMAGED: Final = re.compile(r"Json error|found in delta log")
_UNREACHED: Final = (OSError, BotoCoreError, ClientError)
_ESCAPED: Final = re.compile(r"::|[^\w/.~:@!$&'()+,;-]", re.ASCII)
"""What Delta readers escape in a table's path, or take for a pattern, a partition or a chain."""


class LakeError(OSError):
    """A lake can't be used; the text is a whole sentence, which names it."""


class LakeRefusedError(LakeError, PermissionError):
    """A lake does not let this user do it."""


@dataclass(frozen=True)
class Location:
    """The root of a lake; ``url`` is absolute and ends without a slash."""

    url: str

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read a path or URL; a relative path becomes absolute.

        Raises:
            ValueError: where ``text`` names no folder, one that Delta readers can't open, or an
                unknown protocol.
        """
        if not text.rpartition("://")[2].strip("/ "):
            message = f"a lake needs a folder or URL, got {text!r}"
            raise ValueError(message)
        url = text.rstrip("/") if "://" in text else str(Path(text).expanduser().resolve())
        escaped = _ESCAPED.search(url)
        if escaped:
            message = (
                "a lake's path holds ASCII letters, digits and /._-~:@!$&'()+,; only, since Delta "
                f"readers escape the rest, got {escaped[0]!r} in {url}"
            )
            raise ValueError(message)
        check_protocol(url, f"lake {url}")
        return cls(url)

    def table_url(self, name: str) -> str:
        """Give the root of one table."""
        return f"{self.url}/{name}"

    def delta_options(self) -> dict[str, str]:
        """Options for delta-rs beside the standard AWS variables, which it reads too.

        Commits are conditional puts (``etag``), so that of two writers one wins; plain HTTP is
        allowed only where the endpoint says so itself.
        """
        return {**self._s3_options(), **delta_patience()} if self._is_s3 else {}

    def polars_options(self) -> dict[str, str | int] | None:
        """Options for polars; null for a local lake."""
        return {**self._s3_options(), **polars_patience()} if self._is_s3 else None

    def _s3_options(self) -> dict[str, str]:
        options = {"aws_conditional_put": "etag"}
        endpoint = _s3_endpoint()
        if endpoint:
            options["aws_endpoint_url"] = endpoint
            if endpoint.startswith("http://"):
                options["aws_allow_http"] = "true"
        return options

    def filesystem(self) -> tuple[Any, str]:
        """Open the file system and give the root's path in it.

        fsspec keeps file systems by their options, so the endpoint has to be one of them.
        """
        endpoint = _s3_endpoint() if self._is_s3 else None
        options = {"endpoint_url": endpoint} if endpoint else {}
        patience = s3fs_patience(TRIES_A_REQUEST) if self._is_s3 else {}
        fs, root = fsspec.core.url_to_fs(self.url, **options, **patience)
        if self._is_s3:
            fs.retries = S3FS_TRIES
        return fs, root.rstrip("/")

    def prepare(self) -> None:
        """Make the lake's folder where it is local, and see that it can be used; nothing else.

        Raises:
            OSError: naming the lake, what is wrong with it and what to do.
        """
        try:
            fs, root = self.filesystem()
            if not isinstance(fs, LocalFileSystem):
                self._reach(fs, root)
        except FileNotFoundError as error:
            message = f"lake {self.url} is in a bucket that is not there: make the bucket first"
            raise OSError(message) from error
        except _UNREACHED as error:
            advice = "check its address, the endpoint and the credentials"
            raise OSError(self._sentence("can't be reached", error, advice)) from error
        if isinstance(fs, LocalFileSystem):
            self._make_folder(Path(root))

    @contextmanager
    def room(self, *, makes: bool = False) -> Iterator[None]:
        """Say what to do where a block finds no room to write, no permission to, or no lake.

        ``makes`` is for one that makes files and reads none.
        """
        full, shut = "make room there and run again", "let this user write there"
        with self.reached(), room_in(f"lake {self.url}", full, shut, makes=makes):
            yield

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Say in one line which lake it is that fails within a block.

        Raises:
            LakeError: where it does; ``LakeRefusedError`` where permission is why.
        """
        try:
            yield
        except (NoRoomError, LakeError):
            raise
        except (*_UNREACHED, DeltaError) as error:
            kind = LakeRefusedError if isinstance(error, PermissionError) else LakeError
            raise kind(self._sentence("can't be used", error, _advice(error))) from error

    def _make_folder(self, folder: Path) -> None:
        advice = "let this user write there, or name another folder"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            message = f"lake {self.url} is a file: name a folder"
            raise OSError(message) from error
        except OSError as error:
            raise OSError(self._sentence("can't be made", error, advice)) from error
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"lake")
                probe.flush()
        except OSError as error:
            raise OSError(self._sentence("can't be written to", error, advice)) from error

    def _reach(self, fs: Any, root: str) -> None:
        """Ask for one name below the root; the answer may be that there is none yet."""
        try:
            if self._is_s3:
                bucket, _, prefix = root.partition("/")
                fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1)
            else:
                with suppress(FileNotFoundError):
                    fs.ls(root, detail=False)
        except _UNREACHED:
            # A file system that is kept would fail with its old credentials ever after.
            type(fs).clear_instance_cache()
            raise

    def _sentence(self, what: str, error: Exception, advice: str) -> str:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, FileNotFoundError) and error.filename:
            why = f"{why}: {error.filename}"
        line = " ".join(_HINT.sub("", _FRAMES.sub("", _DRAWN.sub("", why))).split())[:MOST_TOLD]
        return f"lake {self.url} {what} ({line}): {advice}"

    @property
    def _is_s3(self) -> bool:
        return self.url.startswith(("s3://", "s3a://"))


def _advice(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "a file of it is missing: bring it back from a backup"
    if _DAMAGED.search(str(error)):
        return "the log of a table is damaged: bring its _delta_log back from a backup"
    return "what was committed stays, and the next run does the rest"


def _s3_endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
