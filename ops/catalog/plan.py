"""What a night has to read: the records of a source against what the lake knows of them."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

from ops.catalog.found import Refused, find_headers, is_below
from ops.catalog.headers import HeaderCache
from ops.catalog.planned import Known, Plan, PlannedRecord, Unread
from ops.catalog.tree import (
    HEADER,
    NUMERICS,
    below,
    is_numerics,
    load_tree,
    may_have_segments,
    parsed,
    segment_names,
)
from ops.fault import Fault
from ops.fingerprint import fingerprint
from ops.header import HeaderError
from ops.source import CredentialsError, Entry, OutsideError, Source
from ops.unserved import MOST_UNSERVED, source_down

HEADERS_AT_ONCE = 256

Hide = Callable[[str, str], str]


def plan_records(
    source: Source,
    listing: Mapping[str, Entry],
    known: Mapping[str, Known],
    version: str,
    hide: Hide | None = None,
) -> Plan:
    """Find the records of a source and tell which of them are new, changed or read by older code.

    An unchanged record costs no reading. ``hide`` takes a kind (``record`` or ``file``) and a
    name, and returns the name that a de-identified lake knows; fingerprints are then over those.

    A folder that the listing left out is a fault, and no record below it counts as vanished. Where
    names are hidden, nobody can say which those are, and none counts as vanished that night.

    Raises:
        SourceDownError: where the source does not answer any more, or refuses every header.
    """
    return _Planner(source, listing, known, version, hide).plan()


class _Planner:
    def __init__(
        self,
        source: Source,
        listing: Mapping[str, Entry],
        known: Mapping[str, Known],
        version: str,
        hide: Hide | None,
    ) -> None:
        self._source, self._listing, self._known = source, listing, known
        self._version, self._hide = version, hide or (lambda _, name: name)
        self._is_hidden = hide is not None
        self._hidden = (
            {hide("file", path): entry for path, entry in listing.items()} if hide else listing
        )
        self._to_read: list[PlannedRecord] = []
        self._unchanged: list[str] = []
        self._faults: list[Unread] = []
        self._found: set[str] = set()
        self._refused: list[OSError] = []

    def plan(self) -> Plan:
        offered = find_headers(self._source, self._listing, lambda name: self._of(name) is not None)
        for refused in offered.faults:
            self._refuse(refused)
        self._faults += [Unread(None, "", _unlisted(*one)) for one in self._source.unlisted.items()]
        headers = sorted(h for h in offered.headers if not is_numerics(h, self._listing))
        for batch in _by_folder(self._unsettled(headers)):
            self._plan_batch(batch)
        self._see_served()
        return Plan(
            self._to_read, self._unchanged, self._vanished(), self._faults, len(self._found)
        )

    def _see_served(self) -> None:
        """See that the source does not refuse every one of its headers.

        Raises:
            SourceDownError: where it does.
        """
        n_refused = len(self._refused)
        if n_refused >= MOST_UNSERVED and not (self._to_read or self._unchanged):
            raise source_down(self._source.shown, n_refused, self._refused[-1])

    def _vanished(self) -> list[str]:
        """The known that are nowhere in what could be listed; none where their names are hidden."""
        gone = sorted(set(self._known) - self._found)
        unlisted = self._source.unlisted
        if unlisted and self._is_hidden:
            return []
        return [name for name in gone if not is_below(name, unlisted)]

    def _of(self, record_id: str) -> Known | None:
        return self._known.get(self._hide("record", record_id))

    def _print(self, files: Iterable[str]) -> str:
        return fingerprint((self._hide("file", path) for path in files), self._hidden)

    def _refuse(self, refused: Refused) -> None:
        unread = Unread(refused.record_id, self._print([refused.watched]), refused.fault)
        self._faults.append(unread)

    def _unsettled(self, headers: list[str]) -> list[str]:
        """Settle the unchanged; leave out the segments that they name."""
        theirs: set[str] = set()
        rest = []
        for path in headers:
            known = self._of(path.removesuffix(HEADER))
            if known and self._is_same(known):
                self._settle(known.record_id)
                theirs.update(known.files)
            else:
                rest.append((path, known))
        return [path for path, known in rest if known or self._hide("file", path) not in theirs]

    def _is_same(self, known: Known) -> bool:
        return (
            known.version == self._version
            and bool(known.files)
            and fingerprint(known.files, self._hidden) == known.fingerprint
        )

    def _settle(self, hidden_id: str) -> None:
        self._found.add(hidden_id)
        self._unchanged.append(hidden_id)

    def _plan_batch(self, batch: list[str]) -> None:
        """Plan the headers of some folders, each of which is there with all that are unsettled."""
        cache = HeaderCache(self._source, self._listing)
        cache.fill(batch)
        failed: dict[str, OSError] = {}
        named: dict[str, list[str]] = {}
        for path in batch:
            raw = cache([path])[path]
            if isinstance(raw, OSError):
                failed[path] = raw
            elif parts := self._parts_of(path, raw):
                named[path] = parts
        segments = {path for paths in named.values() for path in paths} - set(named)
        waiting = self._waiting(batch, named, failed)
        records = [path for path in batch if path not in segments and path not in waiting]
        cache.fill(self._parts(records, named))
        for path in records:
            self._plan_record(path, cache, len(waiting))

    def _parts_of(self, path: str, raw: bytes) -> list[str]:
        """The paths of the segment headers that a header names, if it does and can be used."""
        if not may_have_segments(raw):
            return []
        try:
            header = parsed(raw, path, self._listing)
        except HeaderError:
            return []
        return [below(path.rpartition("/")[0], part) + HEADER for part in segment_names(header)]

    def _waiting(
        self, batch: list[str], named: Mapping[str, object], failed: Mapping[str, OSError]
    ) -> set[str]:
        """New headers beside one that could not be read for now: they may be its segments."""
        unsure = {
            path.rpartition("/")[0]
            for path, error in failed.items()
            if isinstance(error, CredentialsError)
            or not isinstance(error, FileNotFoundError | PermissionError)
        }
        return {
            path
            for path in batch
            if path.rpartition("/")[0] in unsure
            and path not in named
            and path not in failed
            and self._of(path.removesuffix(HEADER)) is None
        }

    def _parts(self, records: list[str], named: Mapping[str, list[str]]) -> list[str]:
        numerics = [path.removesuffix(HEADER) + NUMERICS[0] for path in records]
        parts = [part for path in records for part in named.get(path, [])]
        return [path for path in (*numerics, *parts) if path in self._listing]

    def _plan_record(self, path: str, cache: HeaderCache, n_waiting: int) -> None:
        record_id = path.removesuffix(HEADER)
        hidden_id = self._hide("record", record_id)
        known = self._known.get(hidden_id)
        fault: Fault | None = None
        files: tuple[str, ...] = (path,)
        try:
            files = load_tree(cache, record_id, self._listing)[0].files
        except HeaderError as error:
            fault = Fault(path, "header", "HeaderError", str(error))
        except OSError as error:
            self._found.add(hidden_id)
            if _is_refusal(error):
                self._refused.append(error)
            self._faults.append(Unread(record_id, "", _unfetched(path, error, n_waiting)))
            return
        mark = self._print(files)
        if known and (known.version, known.fingerprint) == (self._version, mark):
            self._settle(hidden_id)
            return
        self._found.add(hidden_id)
        if fault:
            self._faults.append(Unread(record_id, mark, fault))
            return
        reason = "new" if known is None else "changed" if known.fingerprint != mark else "new code"
        entries = tuple(self._listing[file] for file in files if file in self._listing)
        self._to_read.append(PlannedRecord(record_id, path, reason, entries, files, mark))


def _is_refusal(error: OSError) -> bool:
    return isinstance(error, PermissionError) and not isinstance(error, OutsideError)


def _unfetched(path: str, error: OSError, n_waiting: int) -> Fault:
    wait = f"; {n_waiting} new headers beside it wait, since they may be its segments"
    return Fault(path, "fetch", type(error).__name__, str(error) + (wait if n_waiting else ""))


def _unlisted(folder: str, error: OSError) -> Fault:
    if folder.isprintable():
        return Fault(folder, "catalog", type(error).__name__, str(error))
    shown = ascii(folder)[1:-1]
    return Fault(shown, "catalog", type(error).__name__, str(error).replace(folder, shown))


def _by_folder(headers: Iterable[str]) -> Iterator[list[str]]:
    """Batches of a few hundred headers that never part a folder."""
    batch: list[str] = []
    ordered = sorted(headers, key=os.path.dirname)
    for _, group in groupby(ordered, key=os.path.dirname):
        batch.extend(group)
        if len(batch) >= HEADERS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
