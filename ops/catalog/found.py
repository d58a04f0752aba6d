"""Which headers a source offers as records, by its ``RECORDS`` files and else by its listing.

Every ``RECORDS`` file counts, wherever it is. A line is a path below the file's folder: a record,
or a folder. A folder's headers are what the ``RECORDS`` files inside it name, and all of them
where there is none. Blank lines and lines that begin with ``#`` say nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ops.catalog.headers import read_listed
from ops.catalog.tree import HEADER, below
from ops.fault import Fault
from ops.source import Entry, Source

RECORDS: Final = "RECORDS"
MAX_FAULTS: Final = 1000


class Refused(NamedTuple):
    """A fault of the catalog, and the file whose change may mend it."""

    record_id: str | None
    watched: str
    fault: Fault


@dataclass
class Found:
    """Headers that may be records, by path, and what was wrong in ``RECORDS`` files."""

    headers: set[str] = field(default_factory=set)
    faults: list[Refused] = field(default_factory=list)


def find_headers(
    source: Source, listing: Mapping[str, Entry], is_known: Callable[[str], bool]
) -> Found:
    """Find the headers that ``RECORDS`` files name, or that no ``RECORDS`` file governs.

    Where a ``RECORDS`` file can't be read, the known records that it governs stand. What it names
    below a folder that could not be listed is no fault of its own.
    """
    found = Found()
    headers = [path for path in listing if path.endswith(HEADER)]
    named = [path for path in listing if path.rpartition("/")[2] == RECORDS]
    catalogs = {path.rpartition("/")[0]: path for path in named if path.isprintable()}
    found.faults += [_unprintable(path) for path in named if not path.isprintable()]
    governor = _Governors(catalogs)
    folders = {folder for path in listing for folder in _above(path)}
    listed: dict[str | None, set[str]] = {None: {""}}
    unread: set[str | None] = set()
    for path, raw in read_listed(source, list(catalogs.values()), listing).items():
        folder = path.rpartition("/")[0]
        if isinstance(raw, OSError):
            unread.add(folder)
            fault = Fault(path, "catalog", type(raw).__name__, str(raw))
            found.faults.append(Refused(None, path, fault))
        else:
            listed[folder], faults = _take_lines(raw, path, listing, folders, found.headers)
            told = [one for one in faults if not is_below(one.record_id, source.unlisted)]
            found.faults.extend(_bounded(told, path))
    for path in headers:
        if not path.isprintable():
            found.faults.append(_unprintable(path))
            continue
        above = governor(path.rpartition("/")[0])
        stands = above in unread and is_known(path.removesuffix(HEADER))
        if stands or any(folder in listed.get(above, ()) for folder in _above(path)):
            found.headers.add(path)
    return found


def is_below(path: str | None, folders: Collection[str]) -> bool:
    """Whether ``path`` is one of some folders, or lies below one."""
    return path is not None and (path in folders or any(f in folders for f in _above(path)))


def _unprintable(path: str) -> Refused:
    """No table takes a name that is not UTF-8, and nobody can read one with control characters."""
    shown = ascii(path)[1:-1]
    reason = f"{shown} has characters in its name that can't be printed"
    return Refused(None, path, Fault(shown, "catalog", "ValueError", reason))


class _Governors:
    """The nearest folder, at or above another, that holds a ``RECORDS`` file; null for none."""

    def __init__(self, catalogs: Mapping[str, str]) -> None:
        self._known: dict[str, str | None] = {"": None} | {folder: folder for folder in catalogs}

    def __call__(self, folder: str) -> str | None:
        passed = []
        while folder not in self._known:
            passed.append(folder)
            folder = folder.rpartition("/")[0]
        self._known.update(dict.fromkeys(passed, self._known[folder]))
        return self._known[folder]


def _above(path: str) -> Iterator[str]:
    """The folders that hold ``path``, nearest first, the root last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _take_lines(
    raw: bytes, path: str, listing: Mapping[str, Entry], folders: set[str], headers: set[str]
) -> tuple[set[str], list[Refused]]:
    """Add the headers of one ``RECORDS`` file; return the folders that it names, and its faults."""
    folder = path.rpartition("/")[0]
    named: set[str] = set()
    faults: dict[str, Refused] = {}
    for number, line in _lines(raw):
        name = _checked(line)
        whole = below(folder, name).rstrip("/") if name is not None else ""
        if name is None:
            where = f"{path}#line={number}"
            reason = f"line {number} of {path} is no path below its folder: {line[:80]!r}"
            faults[where] = Refused(None, path, Fault(where, "catalog", "ValueError", reason))
        elif whole + HEADER in listing and name and not line.endswith("/"):
            headers.add(whole + HEADER)
        elif whole in folders:
            named.add(whole)
        else:
            reason = f"{path} names {whole}, which has no header"
            fault = Fault(whole + HEADER, "catalog", "FileNotFoundError", reason)
            faults[whole] = Refused(whole, whole + HEADER, fault)
    return named, list(faults.values())


def _lines(raw: bytes) -> Iterator[tuple[int, str]]:
    text = raw.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _checked(line: str) -> str | None:
    """The path without empty and ``.`` parts, or null where it could lead elsewhere."""
    parts = line.split("/")
    bad = line.startswith("/") or "://" in line or ".." in parts or not line.isprintable()
    return None if bad or "\ufffd" in line else "/".join(p for p in parts if p not in {"", "."})


def _bounded(faults: list[Refused], path: str) -> list[Refused]:
    """Name the first faults of a ``RECORDS`` file one by one, and count the rest."""
    if len(faults) <= MAX_FAULTS:
        return faults
    reason = f"{path} has {len(faults) - MAX_FAULTS} more lines that name no record"
    rest = Refused(None, path, Fault(path, "catalog", "ValueError", reason))
    return [*faults[:MAX_FAULTS], rest]
