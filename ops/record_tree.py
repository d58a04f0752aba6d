"""A record with everything its headers name: what is read, and what a fingerprint covers."""

from dataclasses import dataclass

from ops.header import Header


@dataclass(frozen=True)
class RecordTree:
    """The parsed headers of one record, and the files they name.

    ``record_id`` is the header's path below the source without its extension
    (``training/a171l``) and ``folder`` its folder (``training``; empty for the root).
    ``segments`` holds the parsed segment headers by name, the layout included; one that is absent
    or does not parse is missing here and is a fault. ``numerics`` are the file names, in
    ``folder``, of the record's numerics: ``…n.hea`` or ``…n.csv.gz``. ``files`` are the paths
    below the source of every file that the tree names (headers, signal files, numerics and their
    signal files), there or not, sorted; ``absent`` are those of them that the source has not.
    """

    record_id: str
    folder: str
    header: Header
    segments: dict[str, Header]
    numerics: tuple[str, ...]
    files: tuple[str, ...]
    absent: frozenset[str]
