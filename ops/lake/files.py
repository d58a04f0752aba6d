"""Data files of a table: written in row groups, described for a later commit."""

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import polars as pl
import pyarrow.parquet as pq

from ops.lake.arrow import data_schema, delta_packed_columns, to_arrow
from ops.lake.evolve import dtypes
from ops.lake.location import Location
from schemas.tables import Table


@dataclass(frozen=True)
class DataFile:
    """A file that lies in a table's folder and is not in the table until it is committed.

    ``finished_at`` is in seconds since 1970.
    """

    table: str
    path: str
    size: int
    n_rows: int
    partition: dict[str, str | None]
    stats: str
    finished_at: float = field(default_factory=time.time)


@dataclass
class _Statistics:
    """Smallest, largest and nulls of each scalar column, as the Delta log keeps them."""

    columns: tuple[str, ...]
    n_rows: int = 0
    low: dict[str, Any] = field(default_factory=dict)
    high: dict[str, Any] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def add(self, frame: pl.DataFrame) -> None:
        self.n_rows += frame.height
        row = frame.select(
            *(pl.col(c).min().alias(f"low {c}") for c in self.columns),
            *(pl.col(c).max().alias(f"high {c}") for c in self.columns),
            *(pl.col(c).null_count().alias(f"nulls {c}") for c in self.columns),
        ).row(0, named=True)
        for column in self.columns:
            self.nulls[column] = self.nulls.get(column, 0) + row[f"nulls {column}"]
            if row[f"low {column}"] is not None:
                low, high = row[f"low {column}"], row[f"high {column}"]
                self.low[column] = min(self.low.get(column, low), low)
                self.high[column] = max(self.high.get(column, high), high)

    def to_json(self) -> str:
        return json.dumps(
            {
                "numRecords": self.n_rows,
                "minValues": self.low,
                "maxValues": self.high,
                "nullCount": self.nulls,
            },
            ensure_ascii=False,
        )


class DataFileWriter:
    """Write one file of one partition, a frame at a time; leave the block to close it.

    Memory is that of one frame. A block left by an exception leaves an orphan that no table knows.
    Rows that are written ``anew`` come from the table itself: the rules of their time let them in,
    and rules that came since are not asked.
    """

    def __init__(
        self,
        location: Location,
        table: Table,
        partition: dict[str, str | None],
        *,
        anew: bool = False,
    ) -> None:
        self._table = table
        self._room = location.room
        self._partition = partition
        self._anew = anew
        folder = "".join(f"{k}={_escaped(v)}/" for k, v in partition.items())
        self._path = f"{folder}part-{uuid.uuid4()}.parquet"
        self._fs, root = location.filesystem()
        self._full_path = f"{root}/{table.name}/{self._path}"
        self._stats = _Statistics(_statistics_columns(table))
        self._sink: Any = None
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Nothing is created until the first row comes."""
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows, validated by the table's schema and sorted by its key.

        Raises:
            dataframely.exc.ValidationError: where a row breaks a rule of the schema.
            NoRoomError: where the lake is full or may not be written to.
        """
        if frame.is_empty():
            return
        valid = (frame if self._anew else _validated(frame, self._table)).sort(self._table.key)
        self._stats.add(valid)
        if self._writer is None:
            with self._room(makes=True):
                self._writer = self._opened()
        with self._room():
            self._writer.write_table(
                to_arrow(valid, self._table), row_group_size=self._table.row_group_rows
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._writer is not None:
            with self._room(), self._sink:
                self._writer.close()

    def finished(self) -> list[DataFile]:
        """Describe the closed file; empty where no row came."""
        if self._writer is None:
            return []
        size = self._fs.size(self._full_path)
        return [
            DataFile(
                table=self._table.name,
                path=self._path,
                size=size,
                n_rows=self._stats.n_rows,
                partition=self._partition,
                stats=self._stats.to_json(),
            )
        ]

    def _opened(self) -> pq.ParquetWriter:
        self._fs.makedirs(self._full_path.rpartition("/")[0], exist_ok=True)
        self._sink = self._fs.open(self._full_path, "wb")
        packed = delta_packed_columns(self._table)
        return pq.ParquetWriter(
            self._sink,
            data_schema(self._table),
            compression="zstd",
            use_dictionary=_dictionary_columns(self._table),
            column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED") or None,
            write_statistics=_statistics_columns(self._table),
        )


def write_files(
    location: Location, table: Table, frames: Iterable[pl.DataFrame], *, anew: bool = False
) -> list[DataFile]:
    """Write frames to new files, one a partition they hold; for ``anew`` see ``DataFileWriter``."""
    written: list[DataFile] = []
    frame = pl.concat(list(frames))
    parts = list(table.partition_by)
    groups = frame.partition_by(parts, as_dict=True) if parts else {(): frame}
    for values, rows in groups.items():
        partition = dict(zip(parts, values, strict=True))
        with DataFileWriter(location, table, partition, anew=anew) as file:
            file.write(rows)
        written += file.finished()
    return written


def _validated(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Validate rows; a cast is part of it only where a type differs, since it costs the most."""
    there, wanted = frame.schema, dtypes(table)
    return table.schema.validate(frame, cast={name: there.get(name) for name in wanted} != wanted)


_TOLD_STRINGS = ("subject_id", "run_id", "quantity", "status")


@cache
def _statistics_columns(table: Table) -> tuple[str, ...]:
    """Scalars that a reader filters on: keys, numbers, grades; no hashes, units or free text."""
    columns = table.schema.columns()
    return tuple(
        name
        for name, column in columns.items()
        if name not in table.partition_by
        and (
            column.dtype.is_numeric()
            or name in table.key
            or name.endswith("grade")
            or name in _TOLD_STRINGS
        )
    )


def _dictionary_columns(table: Table) -> list[str]:
    """Text repeats within a file and takes a dictionary; signals and numbers do not."""
    return [name for name, column in table.schema.columns().items() if column.dtype == pl.String]


def _escaped(value: str | None) -> str:
    """Spell a partition's value in a path as Delta does: polars reads it from there."""
    return quote(value or "null", safe="")
