"""Rows of ``quarantine``."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import polars as pl
from ray.exceptions import RayActorError

from flows.actors.pool import Done
from flows.naming import Naming
from ops.fault import Fault
from ops.grade import GRADER_VERSION
from ops.ingest_record import READER_VERSION
from ops.lake import Lake
from ops.source import OutsideError
from schemas.quarantine import Quarantined

CODE_VERSION = f"reader {READER_VERSION}, grader {GRADER_VERSION}"
"""What a record is read by; another version reads it again."""


def quarantine_rows(
    unread: Iterable[tuple[str | None, str, Fault]],
    *,
    dataset: str,
    run_id: str,
    now: datetime,
    code_version: str = CODE_VERSION,
    attempts: int = 1,
) -> pl.DataFrame:
    """Make a row of each (record_id, fingerprint, fault), the first of equal path and step."""
    rows = [
        {
            "dataset": dataset,
            "path": fault.path,
            "step": fault.step,
            "record_id": record_id,
            "error": fault.error,
            "reason": fault.reason,
            "fingerprint": fingerprint,
            "code_version": code_version,
            "attempts": attempts,
            "run_id": run_id,
            "created_at": now,
        }
        for record_id, fingerprint, fault in unread
    ]
    frame = pl.DataFrame(rows, schema=Quarantined.create_empty().schema)
    return frame.unique(["path", "step"], keep="first", maintain_order=True)


def failed(path: str, step: str, error: BaseException | None, naming: Naming) -> Fault:
    """Say that an item was given up after its last attempt; ``path`` is in the source's names."""
    sentence = " ".join(str(error).split())[:300] or "no reason was given"
    if isinstance(error, RayActorError) and "unexpectedly" in sentence:
        sentence = "each process that worked on it died, killed or out of memory"
    fault = Fault(path, step, type(error).__name__, f"{path} was given up: {sentence}")
    return naming.fault(fault, [path, path.removesuffix(".hea")])


def commit_given_up(
    lake: Lake, group: Sequence[Done], step: str, spec: str, *, run_id: str, attempts: int
) -> int:
    """Write the rows of shards given up, take out those of shards that succeeded; count them.

    ``spec`` hashes by what they were worked on, and goes into what is watched of each.
    """
    rows = [
        quarantine_rows(
            [(done.item.record_id, _watched(done, spec), _given_up(done, step))],
            dataset=done.item.dataset,
            run_id=run_id,
            now=datetime.now(UTC),
            code_version=spec,
            attempts=attempts,
        )
        for done in group
        if done.error is not None
    ]
    keys = pl.DataFrame(
        {
            "dataset": [done.item.dataset for done in group],
            "path": [done.item.path for done in group],
            "step": [step] * len(group),
        }
    )
    return lake.put("quarantine", rows, replacing=keys) + len(rows)


def _given_up(done: Done, step: str) -> Fault:
    return failed(done.item.path, step, done.error, Naming(None))


def _watched(done: Done, spec: str) -> str:
    return watched(done.item.fingerprint(spec), done.error)


def watched(fingerprint: str, error: BaseException | None) -> str:
    """Give the fingerprint of an item given up: none where it failed for now, and is tried again.

    Only a store fails for now, credentials and what has gone away among it; what kills its actor
    would do so again.
    """
    passes = isinstance(error, OSError) and not isinstance(error, OutsideError)
    return "" if passes else fingerprint
