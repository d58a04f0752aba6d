"""Where rows of a table lie: a data file and a row of it, 12 bytes a window.

Data files never change and stay for days after a commit has replaced them, so that places found
once hold for as long as a training takes.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.lake import Lake
from ops.lake.commit import active_files, scan_file
from schemas.tables import TABLES

NOWHERE: Final = -1


@dataclass(frozen=True)
class Places:
    """Rows by the number of their file, ``NOWHERE`` where there is none, and their row in it."""

    file: NDArray[np.int32]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pl.DataFrame, prefix: str = "") -> Self:
        """Take the columns ``file`` and ``row`` of a frame, each after ``prefix``."""
        file = rows[f"{prefix}file"].fill_null(NOWHERE).cast(pl.Int32)
        row = rows[f"{prefix}row"].fill_null(0).cast(pl.Int64)
        return cls(file.to_numpy(), row.to_numpy())

    @property
    def somewhere(self) -> NDArray[np.bool_]:
        """Say which of them are places at all."""
        return np.asarray(self.file != NOWHERE)

    def at(self, chosen: NDArray[np.int64]) -> Self:
        """Choose some by their number."""
        return type(self)(self.file[chosen], self.row[chosen])

    def __len__(self) -> int:
        return len(self.file)


@dataclass(frozen=True)
class TableFiles:
    """The data files of one version of a table.

    Attributes:
        table: the table's name.
        paths: of each file, below the table's folder.
        sizes: of each file, in bytes.
        datasets: that each file holds rows of.
    """

    table: str
    paths: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    datasets: tuple[str, ...] = ()

    @classmethod
    def of(cls, lake: Lake, table: str, dataset: str = "") -> "TableFiles":
        """List the files of a table, of one dataset if it is named."""
        delta = lake.open(table)
        files = pl.DataFrame() if delta is None else active_files(delta)
        if files.is_empty():
            return cls(table)
        told = files.select("path", "size_bytes", "partition.dataset").sort("path")
        if dataset:
            told = told.filter(pl.col("partition.dataset") == dataset)
        return cls(table, *(tuple(told[column]) for column in told.columns))

    def scan(self, lake: Lake) -> pl.LazyFrame:
        """Scan the rows of all files with their places, ``file`` and ``row``."""
        table = TABLES[self.table]
        scans = [
            scan_file(lake.location, table, path, {"dataset": dataset})
            .with_row_index("row")
            .with_columns(file=pl.lit(number, pl.Int32))
            for number, (path, dataset) in enumerate(zip(self.paths, self.datasets, strict=True))
        ]
        none = table.schema.create_empty(lazy=True).with_columns(
            file=pl.lit(0, pl.Int32), row=pl.lit(0, pl.get_index_type())
        )
        return pl.concat(scans or [none], how="diagonal")
