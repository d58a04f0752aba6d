"""Find files that no version of a table needs, and remove them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

from deltalake import DeltaTable

from ops.lake.commit import LONGEST_WAIT_S, active_files, commit_files
from ops.lake.location import Location
from ops.lake.log import CommitLog, modified
from ops.lake.marks import readability, readable_since
from schemas.tables import TABLES

YOUNGEST: Final = timedelta(seconds=2 * LONGEST_WAIT_S)
"""No younger file goes: a night may still commit it, even where clocks differ by hours."""

Fate = Literal["active", "orphan", "replaced", "young", "needed", "foreign"]
GOES: Final[tuple[Fate, ...]] = ("orphan", "replaced")

_WRITTEN: Final = re.compile(r"part-[^/]*\.parquet")
_HIDDEN: Final = re.compile(r"(^|/)[._]")
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class TableFile:
    """A file below a table's folder.

    ``fate`` is ``active`` (in the table now), ``orphan`` (in no version), ``replaced`` (in old
    versions alone), ``young`` (in no version, and perhaps on its way into one), ``needed`` (taken
    out, and in versions that are kept) or ``foreign`` (not named as data files are).
    ``removed_in`` is the version that took it out of the table.
    """

    path: str
    size: int
    fate: Fate
    removed_in: int | None = None


def judge_files(
    location: Location, table: str, *, keep: timedelta, older_than: timedelta, now: datetime
) -> list[TableFile]:
    """Tell of each file below a table's folder whether it is still needed; nothing is changed.

    Args:
        location: of the lake.
        table: its name.
        keep: how far back the table shall be readable as it was.
        older_than: the age, by the store's clock, below which no file goes.
        now: what both are counted back from.
    """
    found = [*_found(location, table)]  # before the log: what is committed meanwhile is in there
    log = CommitLog(location, table)
    removed_in = _named(location, table, log)
    oldest = log.version_surely_at(now - keep)

    def fate(path: str, written: datetime) -> Fate:
        if not _WRITTEN.fullmatch(path.rpartition("/")[2]):
            return "foreign"
        old = written < now - older_than
        if path not in removed_in:
            return "orphan" if old else "young"
        removed = removed_in[path]
        if removed is None:
            return "active"
        return "replaced" if old and oldest is not None and removed <= oldest else "needed"

    return [
        TableFile(path, size, fate(path, written), removed_in.get(path))
        for path, size, written in found
    ]


def remove_files(location: Location, table: str, files: Sequence[TableFile]) -> None:
    """Remove the orphans and the replaced among files that ``judge_files`` told of.

    The log first learns since which version the table is readable.
    """
    going = [file for file in files if file.fate in GOES]
    oldest = max((file.removed_in or 0 for file in going), default=0)
    if oldest:
        commit_files(
            location,
            TABLES[table],
            [],
            None,
            lambda delta: readability(oldest) if readable_since(delta) < oldest else None,
        )
    fs, root = location.filesystem()
    _remove(fs, (f"{root}/{table}/{file.path}" for file in going))


def _found(location: Location, table: str) -> Iterator[tuple[str, int, datetime]]:
    """List what lies below a table's folder, but what engines hide: logs and the like."""
    fs, root = location.filesystem()
    fs.invalidate_cache()
    folder = f"{root}/{table}"
    for name, info in fs.find(folder, detail=True).items():
        path = name.removeprefix(f"{folder}/")
        if not _HIDDEN.search(path) and not info.get("islink"):
            yield path, info["size"], modified(fs, info)


def _named(location: Location, table: str, log: CommitLog) -> dict[str, int | None]:
    """Give each file that the log names, with the version that took it out; null where none did."""
    named: dict[str, int | None] = {}
    if log.versions and log.versions[0] > 0:
        first = DeltaTable(
            location.table_url(table), log.versions[0], location.delta_options() or None
        )
        named.update(dict.fromkeys(active_files(first)["path"]))
    for version, action in log.actions():
        if "add" in action:
            named[unquote(action["add"]["path"])] = None
        elif "remove" in action:
            named[unquote(action["remove"]["path"])] = version
    return named


def _remove(fs: Any, paths: Iterable[str]) -> None:
    """Remove files; those that another vacuum has removed already are no matter."""

    def remove(path: str) -> None:
        with suppress(FileNotFoundError):
            fs.rm_file(path)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(remove, paths):
            pass
