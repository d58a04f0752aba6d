"""A source archive, on a local path or behind any fsspec URL.

S3 is set up by the standard AWS variables (``AWS_ENDPOINT_URL`` among them) or by storage options;
``{"anon": True}`` reads a public bucket. A ``Source`` is cheap to make, connects when first used,
connects again in a forked process, and travels by its URL and options alone.
"""

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import fsspec
from aiohttp import ClientError
from botocore.exceptions import BotoCoreError, NoCredentialsError

from ops.protocol import check_protocol

MAX_READ_BYTES: Final = 8 * 2**20
READS_AT_ONCE: Final = 16
FETCHES_AT_ONCE: Final = 4
TRIES: Final = 3
FIRST_WAIT_S: Final = 0.2

_FAILED: Final = (OSError, BotoCoreError, ClientError)
_FINAL: Final = (FileNotFoundError, NotADirectoryError, PermissionError, NoCredentialsError)
_VERSIONS: Final = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "updated", "created")
_UNCACHED: Final = {"use_listings_cache": False, "skip_instance_cache": True}
# s3fs tries again on top of botocore, which would wait minutes for an endpoint that is down.
_S3: Final = {"config_kwargs": {"retries": {"mode": "standard", "max_attempts": 2}}}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a source: ``path`` below it, size in bytes, ETag or else its time of change."""

    path: str
    size: int
    version: str


class _Archive(Protocol):
    unlisted: dict[str, OSError]

    def listing(self) -> Iterator[Entry]: ...

    def read(self, path: str) -> bytes: ...

    def bring(self, path: str, to: Path) -> None: ...


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
        self._archive: _Archive = (
            _Folder(self.url) if _is_local(self.url) else _Remote(self.url, self._options)
        )

    def __reduce__(self) -> tuple[type["Source"], tuple[str, dict[str, object]]]:
        return Source, (self.url, self._options)

    def __repr__(self) -> str:
        return f"Source({_shown(self.url)!r})"

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

    def read(self, paths: Sequence[str]) -> dict[str, bytes | OSError]:
        """Read small files, a few at a time; one that fails is there as its error."""
        if len(paths) < 2:
            return {path: self._read_or_error(path) for path in paths}
        # A share of the paths for each thread: handing over one by one costs more than reading.
        shares = [paths[i::READS_AT_ONCE] for i in range(min(READS_AT_ONCE, len(paths)))]
        with ThreadPoolExecutor(len(shares)) as pool:
            read = pool.map(lambda share: [(p, self._read_or_error(p)) for p in share], shares)
            by_path = {path: content for share in read for path, content in share}
        return {path: by_path[path] for path in paths}

    @contextmanager
    def fetched(self, folder: str, names: Sequence[str], scratch: Path) -> Iterator[Path]:
        """Bring files of one folder below ``scratch``, into a folder that is gone afterwards.

        Files of a local source are linked, not copied.

        Raises:
            OSError: naming the first file that did not come, and the source.
        """
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=scratch) as there:
            with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
                for _ in pool.map(lambda name: self._bring(folder, name, Path(there)), names):
                    pass
            yield Path(there)

    def _bring(self, folder: str, name: str, there: Path) -> None:
        if "/" in name or name in {"", ".", ".."}:
            message = f"a file name without a folder is expected, got {name!r}"
            raise ValueError(message)
        path = f"{folder}/{name}" if folder else name
        self._tried(lambda: self._archive.bring(path, there / name), self._unread(path))

    def _read_or_error(self, path: str) -> bytes | OSError:
        try:
            content = self._tried(lambda: self._archive.read(path), self._unread(path))
        except OSError as error:
            return error
        if len(content) > MAX_READ_BYTES:
            return OSError(f"{path} in {_shown(self.url)} has more than {MAX_READ_BYTES} bytes")
        return content

    def _unread(self, path: str) -> str:
        return f"{path} in {_shown(self.url)} could not be read"

    @staticmethod
    def _tried(attempt: Callable[[], T], what: str) -> T:
        """Try a few times, a longer wait before each; what can't change is not tried again."""
        for wait_s in [FIRST_WAIT_S * 2**i for i in range(TRIES - 1)]:
            try:
                return attempt()
            except _FINAL as error:
                raise _explained(error, what) from error
            except _FAILED:
                time.sleep(wait_s)
        try:
            return attempt()
        except _FAILED as error:
            raise _explained(error, what) from error


class _Folder:
    """A local folder. A link counts as the file it leads to, where that is inside the folder."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("file://").removeprefix("local://")
        self._root = Path(os.path.realpath(Path(path).expanduser()))
        self.unlisted: dict[str, OSError] = {}

    def listing(self) -> Iterator[Entry]:
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
                    entries.append(Entry(path, stat.st_size, str(stat.st_mtime_ns)))
                elif S_ISDIR(stat.st_mode):
                    why = "links to folders are not followed"
                    self.unlisted[path] = PermissionError(errno.EPERM, why)
        return entries, below

    def read(self, path: str) -> bytes:
        with self._inside(path).open("rb") as file:
            return file.read(MAX_READ_BYTES + 1)

    def bring(self, path: str, to: Path) -> None:
        to.symlink_to(self._inside(path))

    def _inside(self, path: str) -> Path:
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._root):
            raise PermissionError(errno.EPERM, "it leads out of the source")
        if not real.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return real


class _Remote:
    """Any fsspec file system; nothing of it is cached, since a night wants what is there now."""

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        self._url, self._options = url, options
        self._made: tuple[int, Any, str] | None = None
        self.unlisted: dict[str, OSError] = {}

    def _fs(self) -> tuple[Any, str]:
        if self._made is None or self._made[0] != os.getpid():
            fs, root = fsspec.core.url_to_fs(
                self._url,
                **{**_UNCACHED, **(_S3 if self._url.startswith("s3") else {}), **self._options},
            )
            self._made = os.getpid(), fs, root.rstrip("/")
        return self._made[1:]

    def listing(self) -> Iterator[Entry]:
        fs, root = self._fs()
        infos = fs.find(root, detail=True)
        if not infos:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        for name, info in infos.items():
            path = name.removeprefix(root + "/")
            if path != name and not any(part[:1] in {"", "."} for part in path.split("/")):
                yield Entry(path, int(info["size"] or 0), _version(info))

    def read(self, path: str) -> bytes:
        fs, root = self._fs()
        whole = f"{root}/{path}"
        try:
            return bytes(fs.cat_file(whole, start=0, end=MAX_READ_BYTES + 1))
        except OSError as error:
            # No range of an empty object can be satisfied.
            if error.errno == errno.EINVAL and fs.info(whole)["size"] == 0:
                return b""
            raise

    def bring(self, path: str, to: Path) -> None:
        fs, root = self._fs()
        fs.get_file(f"{root}/{path}", str(to))


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith(("file://", "local://"))


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


def _version(info: Mapping[str, object]) -> str:
    known = (info[name] for name in _VERSIONS if info.get(name) is not None)
    return str(next(known, "")).strip('"')


def _shown(url: str) -> str:
    """The URL without a user and password."""
    return url.replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "") if "@" in url else url


def _explained(error: Exception, what: str) -> OSError:
    kind: type[OSError] = OSError
    because = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        kind, because = FileNotFoundError, "it is not there"
    elif isinstance(error, PermissionError):
        kind = PermissionError
    return kind(f"{what}: {because}")
