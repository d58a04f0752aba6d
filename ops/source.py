"""A source archive, on a local path or behind any fsspec URL.

S3 is set up by the standard AWS variables (``AWS_ENDPOINT_URL`` among them) or by storage options;
``{"anon": True}`` reads a public bucket. A ``Source`` is cheap to make, connects when first used,
connects again in a forked process, and travels by its URL and options alone.

What is read can be asked to be what a listing has ``seen``: a file that is another one by then is
``ChangedError``, and nothing of it is given.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError, ClientError
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from ops.entry import (
    CHANGED,
    MAX_READ_BYTES,
    ChangedError,
    CredentialsError,
    Entry,
    OutsideError,
)
from ops.patience import s3fs_patience
from ops.protocol import check_protocol
from ops.room import NoRoomError, room_for_fetched
from ops.source_folder import Folder
from ops.source_remote import Bucket, Remote
from ops.unserved import Unserved

__all__ = [
    "MAX_READ_BYTES",
    "ChangedError",
    "CredentialsError",
    "Entry",
    "OutsideError",
    "Source",
]

READS_AT_ONCE: Final = 16
FETCHES_AT_ONCE: Final = 4
TRIES: Final = 4
TRIES_A_REQUEST: Final = 2
FIRST_WAIT_S: Final = 0.5
GIVE_UP_S: Final = 30.0
"""No further try after that: a store that never answers takes a file a minute or so, not more."""

_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
)
_CREDENTIALS: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
"""Codes of S3 that are about who asks, and when, whatever is asked for."""
_FAILED: Final = (OSError, BotoCoreError, ClientError)
_FINAL: Final = (
    ChangedError,
    NoRoomError,
    FileNotFoundError,
    NotADirectoryError,
    PermissionError,
    *_NO_CREDENTIALS,
)
_NO_ANSWER: Final = (
    TimeoutError,
    ConnectionRefusedError,
    ClientConnectorError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

Seen = Mapping[str, Entry]
T = TypeVar("T")


class _Archive(Protocol):
    unlisted: dict[str, OSError]

    def listing(self) -> Iterator[Entry]: ...

    def look(self, path: str) -> Entry: ...

    def read(self, path: str, entry: Entry | None) -> bytes: ...

    def bring(self, path: str, to: Path, entry: Entry | None) -> None: ...

    def see_kept(self, path: str, entry: Entry) -> None: ...


class Source:
    """The archive that a night reads."""

    def __init__(self, url: str, storage_options: Mapping[str, object] | None = None) -> None:
        """Take a path or URL; nothing is opened before the first call.

        Raises:
            ValueError: where the URL is of a protocol that is not known or not installed.
        """
        self.url = str(url)
        check_protocol(self.url, f"source {_shown(self.url)}")
        self._options = dict(storage_options or {})
        self._archive = _archive(self.url, self._options)

    def __reduce__(self) -> tuple[type["Source"], tuple[str, dict[str, object]]]:
        return Source, (self.url, self._options)

    def __repr__(self) -> str:
        return f"Source({_shown(self.url)!r})"

    @property
    def shown(self) -> str:
        """The URL without a user and password."""
        return _shown(self.url)

    def listing(self) -> dict[str, Entry]:
        """List every file below the source by its path there; hidden ones are left out.

        A folder below it that can't be listed is in ``unlisted``, and the rest goes on.

        Raises:
            OSError: where the source is not there or can't be listed.
        """
        entries = self._tried(
            lambda: list(self._archive.listing()), f"{_shown(self.url)} could not be listed"
        )
        return {entry.path: entry for entry in sorted(entries, key=lambda entry: entry.path)}

    @property
    def unlisted(self) -> dict[str, OSError]:
        """The folders that the last listing left out, by path, and why; links to folders too."""
        return {
            path: _explained(error, f"folder {path} in {_shown(self.url)} could not be listed")
            for path, error in sorted(self._archive.unlisted.items())
        }

    def look(self, paths: Sequence[str]) -> dict[str, Entry]:
        """Tell what some files are now, each asked for alone; one that is not there is left out.

        Raises:
            OSError: naming the first file that could not be told, and the source.
        """
        return {path: entry for path, entry in _at_once(self._look, paths).items() if entry}

    def read(self, paths: Sequence[str], seen: Seen | None = None) -> dict[str, bytes | OSError]:
        """Read small files, a few at a time; one that fails is there as its error.

        Raises:
            SourceDownError: where the source gives none of many in a row.
        """
        known = seen or {}
        unserved = Unserved(self.shown)
        return _at_once(lambda path: self._read_or_error(path, known.get(path), unserved), paths)

    @contextmanager
    def fetched(
        self, folder: str, names: Sequence[str], scratch: Path, seen: Seen | None = None
    ) -> Iterator[Path]:
        """Bring files of one folder below ``scratch``, into a folder that is gone afterwards.

        Files of a local source are linked, not copied: that they were the same all the time is
        seen to when the block ends.

        Raises:
            ChangedError: naming the first file that is not the one that was ``seen``.
            OSError: naming the first file that did not come, and the source.
        """
        entries = {name: (seen or {}).get(f"{folder}/{name}" if folder else name) for name in names}
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=scratch) as there:
            with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
                for _ in pool.map(
                    lambda name: self._bring(folder, name, Path(there), entries[name]), names
                ):
                    pass
            yield Path(there)
            for entry in filter(None, entries.values()):
                self._asked(partial(self._archive.see_kept, entry.path, entry), entry.path, entry)

    def _bring(self, folder: str, name: str, there: Path, entry: Entry | None) -> None:
        if "/" in name or name in {"", ".", ".."}:
            message = f"a file name without a folder is expected, got {name!r}"
            raise ValueError(message)
        path = f"{folder}/{name}" if folder else name

        def bring() -> None:
            with room_for_fetched(there.parent):
                self._archive.bring(path, there / name, entry)

        self._asked(bring, path, entry)

    def _look(self, path: str) -> Entry | None:
        try:
            return self._tried(lambda: self._archive.look(path), self._unread(path))
        except FileNotFoundError:
            return None

    def _read_or_error(self, path: str, entry: Entry | None, unserved: Unserved) -> bytes | OSError:
        unserved.see()
        try:
            content = self._asked(lambda: self._archive.read(path, entry), path, entry)
        except OSError as error:
            if unserved.takes(error):
                unserved.failed(path, error)
            else:
                unserved.served()
            return error
        unserved.served()
        if len(content) > MAX_READ_BYTES:
            return OSError(f"{path} in {_shown(self.url)} has more than {MAX_READ_BYTES} bytes")
        return content

    def _asked(self, attempt: Callable[[], T], path: str, entry: Entry | None) -> T:
        """Ask for a file; one that was listed and is gone has changed."""
        try:
            return self._tried(attempt, self._unread(path))
        except FileNotFoundError as error:
            if entry is None:
                raise
            raise _explained(ChangedError(CHANGED), self._unread(path)) from error

    def _unread(self, path: str) -> str:
        return f"{path} in {_shown(self.url)} could not be read"

    @staticmethod
    def _tried(attempt: Callable[[], T], what: str) -> T:
        """Try a few times, a longer wait before each; what can't change is not tried again."""
        last = time.monotonic() + GIVE_UP_S
        for wait_s in [FIRST_WAIT_S * 2**i for i in range(TRIES)]:
            try:
                return attempt()
            except _FINAL as error:
                raise _explained(error, what) from error
            except _FAILED as error:
                failure = error
            if time.monotonic() > last or wait_s == FIRST_WAIT_S * 2 ** (TRIES - 1):
                break
            time.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311
        raise _explained(failure, what) from failure


def _archive(url: str, options: Mapping[str, object]) -> _Archive:
    if _is_local(url):
        return Folder(url)
    if url.startswith(("s3://", "s3a://")):
        return Bucket(url, {**s3fs_patience(TRIES_A_REQUEST), **options})
    return Remote(url, options)


def _at_once(get: Callable[[str], T], paths: Sequence[str]) -> dict[str, T]:
    if len(paths) < 2:
        return {path: get(path) for path in paths}
    # A share of the paths for each thread: handing over one by one costs more than reading.
    shares = [paths[i::READS_AT_ONCE] for i in range(min(READS_AT_ONCE, len(paths)))]
    with ThreadPoolExecutor(len(shares)) as pool:
        got = pool.map(lambda share: [(path, get(path)) for path in share], shares)
        by_path = {path: one for share in got for path, one in share}
    return {path: by_path[path] for path in paths}


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith(("file://", "local://"))


def _shown(url: str) -> str:
    """The URL without a user and password."""
    return url.replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "") if "@" in url else url


def _explained(error: Exception, what: str) -> OSError:
    kind: type[OSError] = OSError
    # What fsspec makes of a time-out says nothing itself.
    told = str(error) or str(error.__cause__ or "")
    because = getattr(error, "strerror", None) or told or type(error).__name__
    if isinstance(error, FileNotFoundError):
        kind, because = FileNotFoundError, "it is not there"
    elif isinstance(error, _NO_CREDENTIALS) or _code(error) in _CREDENTIALS:
        kind = CredentialsError
    elif isinstance(error, PermissionError | ChangedError):
        kind = type(error)
    elif isinstance(error, _NO_ANSWER):
        kind = TimeoutError
    return kind(f"{what}: {because}")


def _code(error: Exception) -> str:
    """The code that S3 gives its errors, or nothing."""
    told = getattr(error.__cause__, "response", None) or {}
    return str(told.get("Error", {}).get("Code", ""))
