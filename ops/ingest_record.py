"""One record from its files to data files of a lake, a shard at a time."""

import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final

import numpy as np
import polars as pl

from ops.fault import Fault
from ops.lake import DataFile, Lake
from ops.numerics import numerics_by_name
from ops.read_record import WindowBlock, read_blocks
from ops.record_signals import duration_s
from ops.record_tree import RecordTree
from ops.segment import Fetched
from ops.window_rows import window_rows
from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, modality_of
from schemas.numerics import Numeric

NUMERICS_AT_ONCE: Final = 50_000
"""Numeric values written at a time, at most: whole row groups of the table."""
FARTHEST_S: Final = 86_400.0
"""Outside its record, a numeric of a de-identified lake lies no farther."""
READER_VERSION: Final = "1"
"""Changes where reading, the grid or the encoding changes what lands in ``windows``."""


@dataclass(frozen=True)
class Identity:
    """How a record is called in the lake: by its own names, or by their keyed hashes.

    ``signal`` and ``unit`` give the lake's names for those of signals and numerics; null where the
    source's own stand.
    """

    dataset: str
    record_id: str
    subject_id: str
    start_time: datetime | None
    run_id: str
    signal: Callable[[str], str] | None = None
    unit: Callable[[str], str] | None = None


@dataclass
class Ingested:
    """What became of a record: files to commit, faults to quarantine, counts to report.

    ``grades`` counts windows by ``(modality, grade)``; ``end_s`` is the end of the last sample
    that was observed in any modality; ``peak_rss_mib`` is that of the process.
    """

    files: dict[str, list[DataFile]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    grades: dict[tuple[str, str], int] = field(default_factory=dict)
    n_windows: int = 0
    end_s: float = 0.0
    peak_rss_mib: float = 0.0

    @property
    def n_numerics(self) -> int:
        """Numeric values read."""
        return sum(file.n_rows for file in self.files.get("numerics", []))


def ingest_record(tree: RecordTree, identity: Identity, fetched: Fetched, lake: Lake) -> Ingested:
    """Read, grade and write a record's windows and numerics; nothing is committed.

    Memory is that of a shard. What can't be read is in ``faults``, and the rest goes on.
    """
    result = Ingested()
    partition: dict[str, str | None] = {"dataset": identity.dataset}
    with lake.writer("windows", partition) as windows:
        for block in read_blocks(tree, fetched, result.faults):
            rows = _rows(block, identity)
            windows.write(rows)
            result.n_windows += rows.height
            result.end_s = _end_s(block)
            _count(rows, result.grades)
    with lake.writer("numerics", partition) as numerics:
        for values in _numerics(tree, identity, fetched, result):
            numerics.write(values)
    result.files = {"windows": windows.finished(), "numerics": numerics.finished()}
    result.peak_rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def record_status(tree: RecordTree, ingested: Ingested) -> str:
    """Say how much of a record is in; see ``schemas.records``."""
    headers = [tree.header, *tree.segments.values()]
    if ingested.faults:
        return "partial"
    if not any(modality_of(signal.name) for header in headers for signal in header.signals):
        return "no_modality"
    return "complete" if ingested.n_windows else "empty"


def _rows(block: WindowBlock, identity: Identity) -> pl.DataFrame:
    rows = window_rows(
        block,
        dataset=identity.dataset,
        record_id=identity.record_id,
        subject_id=identity.subject_id,
        start_time=identity.start_time,
        run_id=identity.run_id,
    )
    return _called(rows, [f"{m}_lead" for m in MODALITIES], identity.signal)


def _called(
    rows: pl.DataFrame, columns: list[str], name: Callable[[str], str] | None
) -> pl.DataFrame:
    """Put the lake's names in place of the source's."""
    if name is None:
        return rows
    return rows.with_columns(
        pl.col(column).replace({word: name(word) for word in rows[column].unique().drop_nulls()})
        for column in columns
    )


def _end_s(block: WindowBlock) -> float:
    """The end of a block's last observed sample, in seconds of its record."""
    observed = np.any([np.isfinite(block.signals[m][-1]) for m in MODALITIES], axis=0)
    last = int(block.window_index[-1]) * WINDOW_SAMPLES + int(np.flatnonzero(observed)[-1])
    return (last + 1) / GRID_FS


def _numerics(
    tree: RecordTree, identity: Identity, fetched: Fetched, result: Ingested
) -> Iterator[pl.DataFrame]:
    """Rows of the numerics, some at a time; no two frames share a key."""
    found = numerics_by_name(tree, fetched, result.faults)
    if identity.signal is not None:
        found = _undated(found, tree, result)
    for values in _gathered(found):
        rows = values.with_columns(
            dataset=pl.lit(identity.dataset),
            record_id=pl.lit(identity.record_id),
            subject_id=pl.lit(identity.subject_id),
            run_id=pl.lit(identity.run_id),
        )
        rows = _called(_called(rows, ["name"], identity.signal), ["unit"], identity.unit)
        yield Numeric.cast(rows.select(Numeric.column_names()))


def _undated(
    frames: Iterator[pl.DataFrame], tree: RecordTree, result: Ingested
) -> Iterator[pl.DataFrame]:
    """Leave out values far outside their record: counted by a clock's own ticks, they are dates."""
    latest_s = duration_s(tree, result.end_s) + FARTHEST_S
    n_far = 0
    for frame in frames:
        near = frame.filter(pl.col("start_s").is_between(-FARTHEST_S, latest_s))
        n_far += frame.height - near.height
        yield near
    if n_far:
        reason = f"{n_far} numerics lie more than a day outside their record and are left out"
        result.faults.append(Fault(f"{tree.record_id}.hea", "numerics", "NumericsError", reason))


def _gathered(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Cut long frames and put short ones together, ``NUMERICS_AT_ONCE`` rows at most."""
    batch: list[pl.DataFrame] = []
    for part in chain.from_iterable(one.iter_slices(NUMERICS_AT_ONCE) for one in frames):
        if batch and sum(one.height for one in batch) + part.height > NUMERICS_AT_ONCE:
            yield pl.concat(batch)
            batch = []
        batch.append(part)
    if batch:
        yield pl.concat(batch)


def _count(rows: pl.DataFrame, grades: dict[tuple[str, str], int]) -> None:
    for m in MODALITIES:
        for grade, count in rows[f"{m}_grade"].value_counts().rows():
            grades[m, grade] = grades.get((m, grade), 0) + count
