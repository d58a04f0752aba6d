"""From a record's header to every file that it names."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from ops.fault import Fault
from ops.header import GAP, MAX_HEADER_BYTES, Header, HeaderError, parse_header
from ops.record_tree import RecordTree
from ops.source import Entry

HEADER: Final = ".hea"
NUMERICS: Final = ("n.hea", "n.csv.gz")
# Monitors send numerics once a second or less; what is faster only looks like them by its name.
MAX_NUMERICS_FS: Final = 10.0

Read = Callable[[Sequence[str]], Mapping[str, bytes | OSError]]


def load_tree(
    read: Read, record_id: str, listing: Mapping[str, Entry]
) -> tuple[RecordTree, list[Fault]]:
    """Read the headers of one record; ``listing`` holds at least those of its files that exist.

    A segment or numerics header that is absent or can't be used is a fault, and the rest goes on.

    Raises:
        HeaderError: where the record's own header can't be used.
        OSError: where a header that is there could not be read.
    """
    folder, _, name = record_id.rpartition("/")
    path = record_id + HEADER
    header = parsed(read([path])[path], path, listing)
    names = segment_names(header)
    segments, faults = _segments(read, record_id, names, listing)
    numerics, numerics_header, more = _numerics(read, record_id, names, listing)
    files = {
        *(part + HEADER for part in (name, *names)),
        *(file_name for part in (header, *segments.values()) for file_name in dats(part)),
        *(name + suffix for suffix in NUMERICS),
        *(dats(numerics_header) if numerics_header else ()),
    }
    paths = sorted(below(folder, file) for file in files)
    absent = frozenset(path for path in paths if path not in listing)
    tree = RecordTree(record_id, folder, header, segments, numerics, tuple(paths), absent)
    return tree, faults + more


def is_numerics(path: str, listing: Collection[str]) -> bool:
    """Whether the header belongs to the record of the same name without the last ``n``."""
    return path.endswith("n" + HEADER) and path.removesuffix("n" + HEADER) + HEADER in listing


def below(folder: str, name: str) -> str:
    """The path of ``name`` in ``folder``, which is empty for the root."""
    return f"{folder}/{name}" if folder else name


def segment_names(header: Header) -> tuple[str, ...]:
    """The segments of a header, each once and gaps left out."""
    return tuple(dict.fromkeys(part.name for part in header.segments if part.name != GAP))


def may_have_segments(raw: bytes) -> bool:
    """Whether the record line has a number of segments; quicker than parsing the whole."""
    lines = (line.split(None, 1) for line in raw.splitlines() if line.lstrip()[:1] != b"#")
    return b"/" in next((words[0] for words in lines if words), b"")


def dats(header: Header) -> list[str]:
    """The signal files of a header; the signals of a layout have none."""
    return [signal.file_name for signal in header.signals if signal.file_name != GAP]


def parsed(raw: bytes | OSError, path: str, listing: Mapping[str, Entry]) -> Header:
    """Parse the header at ``path``.

    Raises:
        HeaderError: where it can't be used, or names a header as a signal file.
        OSError: where it could not be read.
    """
    name = path.rpartition("/")[2].removesuffix(HEADER)
    if path in listing and listing[path].size > MAX_HEADER_BYTES:
        message = f"header {name} has {listing[path].size} bytes, more than {MAX_HEADER_BYTES}"
        raise HeaderError(message)
    if isinstance(raw, OSError):
        raise raw
    header = parse_header(raw, name)
    for file_name in dats(header):
        if file_name.endswith(HEADER):
            message = f"header {name} names a header as a signal file: {file_name!r}"
            raise HeaderError(message)
    return header


def _segments(
    read: Read, record_id: str, names: Sequence[str], listing: Mapping[str, Entry]
) -> tuple[dict[str, Header], list[Fault]]:
    folder = record_id.rpartition("/")[0]
    paths = {name: below(folder, name) + HEADER for name in names}
    raws = read([path for path in paths.values() if path in listing])
    segments: dict[str, Header] = {}
    faults: list[Fault] = []
    for name, path in paths.items():
        try:
            segments[name] = _segment(raws, record_id, name, listing)
        except (HeaderError, FileNotFoundError) as error:
            faults.append(Fault(path, "header", type(error).__name__, str(error)))
    return segments, faults


def _segment(
    raws: Mapping[str, bytes | OSError], record_id: str, name: str, listing: Mapping[str, Entry]
) -> Header:
    folder, _, record = record_id.rpartition("/")
    path = below(folder, name) + HEADER
    if name == record:
        message = f"record {record_id} names itself as a segment"
        raise HeaderError(message)
    if path not in raws:
        message = f"record {record_id} names segment {name}, whose header is not there"
        raise FileNotFoundError(message)
    return _flat(parsed(raws[path], path, listing), f"segment {name} of record {record_id}")


def _numerics(
    read: Read, record_id: str, segments: Collection[str], listing: Mapping[str, Entry]
) -> tuple[tuple[str, ...], Header | None, list[Fault]]:
    """The names of numerics that are there and can be used, and their header."""
    name = record_id.rpartition("/")[2]
    header, faults = None, []
    path = record_id + "n" + HEADER
    if path in listing and name + "n" not in segments:
        try:
            header = parsed(read([path])[path], path, listing)
            _slow(_flat(header, f"numerics {name}n of record {record_id}"), record_id)
        except HeaderError as error:
            header, faults = None, [Fault(path, "header", "HeaderError", str(error))]
    there = [name + suffix for suffix in NUMERICS if record_id + suffix in listing]
    return tuple(part for part in there if header or not part.endswith(HEADER)), header, faults


def _flat(header: Header, what: str) -> Header:
    if header.segments:
        message = f"{what} has segments of its own, which WFDB has no place for"
        raise HeaderError(message)
    return header


def _slow(header: Header, record_id: str) -> None:
    if header.fs > MAX_NUMERICS_FS:
        message = (
            f"header {header.name} belongs to the numerics of record {record_id} by its name, "
            f"and its {header.fs:g} Hz are too fast for numerics"
        )
        raise HeaderError(message)
