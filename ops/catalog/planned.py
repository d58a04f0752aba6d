"""What the lake knows of a record, and what a night plans with it."""

from dataclasses import dataclass
from typing import NamedTuple

from ops.fault import Fault
from ops.source import Entry


@dataclass(frozen=True)
class Known:
    """What the lake knows of a record, by its row in ``records`` or else in ``quarantine``.

    Names are as the lake writes them, hidden where it is de-identified. ``version`` is the code
    that read it. A quarantined record has ``files`` of its header alone, or none where the lake
    does not say: then its headers are read to tell whether it has changed. Where both tables have
    a row, the one written last counts.
    """

    record_id: str
    files: tuple[str, ...]
    fingerprint: str
    version: str


@dataclass(frozen=True)
class PlannedRecord:
    """One record to read; ``reason`` is ``new``, ``changed`` or ``new code``.

    Names are the source's own, also for a de-identified lake. ``files`` are all that the header
    tree names, ``entries`` those that exist.
    """

    record_id: str
    path: str
    reason: str
    entries: tuple[Entry, ...]
    files: tuple[str, ...]
    fingerprint: str


class Unread(NamedTuple):
    """A fault that planning met. An empty ``fingerprint`` is never equal: it is tried again."""

    record_id: str | None
    fingerprint: str
    fault: Fault


@dataclass(frozen=True)
class Plan:
    """What to read, and what not.

    ``unchanged`` and ``vanished`` are record ids as the lake writes them. ``faults`` are those
    that reading ``to_read`` will not meet again. ``found`` counts the records of the source.
    """

    to_read: list[PlannedRecord]
    unchanged: list[str]
    vanished: list[str]
    faults: list[Unread]
    found: int
