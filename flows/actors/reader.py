"""The actor that reads records: from a source's files to data files of the lake."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

import polars as pl

from flows.config import IngestConfig
from flows.naming import Naming
from flows.quarantine import quarantine_rows
from ops.catalog import PlannedRecord, load_tree, look_again
from ops.fault import Fault
from ops.grade import GRADER_VERSION
from ops.ingest_record import READER_VERSION, Identity, Ingested, ingest_record, record_status
from ops.lake import DataFile, Lake
from ops.record_signals import described_signals, duration_s
from ops.record_tree import RecordTree
from ops.room import scratch_folder
from ops.source import ChangedError
from ops.subject import subject_of
from schemas.records import Record


@dataclass(frozen=True)
class ReadRecord:
    """What came of one record: rows and files to commit, and counts."""

    record_id: str
    was_known: bool
    record: pl.DataFrame
    quarantine: pl.DataFrame
    files: dict[str, list[DataFile]]
    grades: dict[tuple[str, str], int] = field(default_factory=dict)
    n_windows: int = 0
    n_numerics: int = 0
    peak_rss_mib: float = 0.0


LOOKS: Final = 3
"""Times that a record whose files change is read, each with a fresh look at them."""
FIRST_WAIT_S: Final = 0.5


class Reader:
    """Reads one planned record at a time; nothing that it writes is committed."""

    def __init__(self, config: IngestConfig, run_id: str) -> None:
        self._config = config
        self._run_id = run_id
        self._lake = Lake(config.lake)
        self._source = config.open_source()
        self._naming = Naming(config.deidentifier())

    def work(self, planned: PlannedRecord) -> ReadRecord:
        """Read, grade and write a record; from the start where one of its files is replaced.

        Raises:
            OSError: where the source or the lake fails for now, or the record keeps changing. A new
                record goes in without the files that failed; one that is in is left as it is.
        """
        for look in range(LOOKS):
            try:
                if look:
                    time.sleep(FIRST_WAIT_S * 2 ** (look - 1))
                    planned = look_again(self._source, planned, self._naming.file)
                return self._read(planned)
            except ChangedError as error:
                changed = error
        message = f"{planned.record_id} has changed each of the {LOOKS} times that it was read"
        raise ChangedError(message) from changed

    def _read(self, planned: PlannedRecord) -> ReadRecord:
        entries = {entry.path: entry for entry in planned.entries}
        read = partial(self._source.read, seen=entries)
        tree, faults = load_tree(read, planned.record_id, entries)
        if tree.files != planned.files:
            message = f"{planned.record_id} names other files than when it was planned"
            raise ChangedError(message)
        subject = subject_of(planned.record_id, tree.header.comments)
        identity = Identity(
            dataset=self._config.dataset,
            record_id=self._naming.record(planned.record_id),
            subject_id=self._naming.subject(subject),
            start_time=self._naming.start(subject, tree.header.start_time),
            run_id=self._run_id,
            signal=self._naming.signal if self._config.deidentify else None,
            unit=self._naming.unit if self._config.deidentify else None,
        )
        with scratch_folder(self._config.scratch) as scratch:
            fetched = partial(self._source.fetched, tree.folder, scratch=scratch, seen=entries)
            ingested = ingest_record(tree, identity, fetched, self._lake)
        passing = _passing(ingested.faults)
        if planned.reason != "new" and passing:
            message = f"{passing[0].reason}; what the lake has of the record stays"
            raise OSError(message)
        ingested.faults[:0] = faults
        return self._described(planned, tree, identity, ingested, subject)

    def _described(
        self,
        planned: PlannedRecord,
        tree: RecordTree,
        identity: Identity,
        ingested: Ingested,
        subject: str,
    ) -> ReadRecord:
        now = datetime.now(UTC)
        hidden = self._naming
        row = {
            "dataset": identity.dataset,
            "record_id": identity.record_id,
            "subject_id": identity.subject_id,
            "path": hidden.file(planned.path),
            "etag": hidden.file(next(e.version for e in planned.entries if e.path == planned.path)),
            "size_bytes": sum(entry.size for entry in planned.entries),
            "status": record_status(tree, ingested),
            "fs": tree.header.fs,
            "duration_s": duration_s(tree, ingested.end_s),
            "start_time": identity.start_time,
            "n_segments": len(tree.header.segments),
            "n_windows": ingested.n_windows,
            "signals": hidden.signals(described_signals(tree)),
            "names_check": hidden.check,
            "comments": hidden.comments(tree.header.comments),
            "files": [hidden.file(path) for path in planned.files],
            "fingerprint": "" if _passing(ingested.faults) else planned.fingerprint,
            "reader_version": READER_VERSION,
            "grader_version": GRADER_VERSION,
            "run_id": self._run_id,
            "ingested_at": now,
        }
        originals = (planned.record_id, subject)  # more would cost each fault of many
        return ReadRecord(
            record_id=identity.record_id,
            was_known=planned.reason != "new",
            record=Record.cast(pl.DataFrame([row], infer_schema_length=None)),
            quarantine=quarantine_rows(
                [
                    (identity.record_id, planned.fingerprint, hidden.fault(fault, originals))
                    for fault in ingested.faults
                ],
                dataset=identity.dataset,
                run_id=self._run_id,
                now=now,
            ),
            files=ingested.files,
            grades=ingested.grades,
            n_windows=ingested.n_windows,
            n_numerics=ingested.n_numerics,
            peak_rss_mib=ingested.peak_rss_mib,
        )


def _passing(faults: list[Fault]) -> list[Fault]:
    """Give what failed for now: its record has an empty fingerprint and is tried again next time.

    A file that is not in the archive has its place in the fingerprint; access that is refused may
    be given without a change of any file.
    """
    passing = {"OSError", "PermissionError", "CredentialsError"}
    final = {"FileNotFoundError", "OutsideError"}
    return [
        fault
        for fault in faults
        if fault.error in passing or (fault.step == "fetch" and fault.error not in final)
    ]
