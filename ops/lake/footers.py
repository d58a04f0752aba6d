"""Footers of data files, kept once they are read, and the row groups that they let one skip."""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, Self

import polars as pl
import pyarrow.parquet as pq

from ops.lake.ranges import RangeFile

Bounds = Mapping[str, tuple[Any, Any]]
"""By column, the smallest and the largest value that is wanted."""

Extent = tuple[Any, Any] | None
"""Smallest and largest value of a column in a row group; null where they are not told."""

MOST_BYTES: Final = 8 * 2**20
"""Of footers that are kept, as they lie in their files; in memory they take ten times that."""


def within(bounds: Bounds) -> list[pl.Expr]:
    """Give the conditions that a row within ``bounds`` meets, both ends included."""
    return [pl.col(c).is_between(pl.lit(low), pl.lit(high)) for c, (low, high) in bounds.items()]


class Footer:
    """One file's footer, and what was learnt of its row groups."""

    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata
        names = [metadata.schema.column(j).path for j in range(metadata.num_columns)]
        self._places = {name: j for j, name in enumerate(names)}
        self._extents: dict[tuple[int, str], Extent] = {}
        self._looked_at: dict[tuple[int, tuple[str, ...]], pl.DataFrame] = {}

    @classmethod
    def read(cls, file: RangeFile) -> Self:
        """Read the footer of a file."""
        return cls(pq.read_metadata(file))

    def opened(self, file: RangeFile) -> pq.ParquetFile:
        """Open the file without reading its footer again; what lies together comes in one read."""
        return pq.ParquetFile(file, metadata=self.metadata, pre_buffer=True)

    def row_groups(self, bounds: Bounds, file: RangeFile) -> list[int]:
        """Number the row groups that hold what ``bounds`` allow.

        Where records meet in a row group, its statistics span windows of neither. The bounded
        columns of such a one are looked at, once. A column that the file lacks is null, and null
        is within no bounds.
        """
        if not self._places.keys() >= bounds.keys():
            return []
        return [
            i
            for i in range(self.metadata.num_row_groups)
            if all(_meets(self._extent(i, column), *bound) for column, bound in bounds.items())
            and (_is_one(self._extent(i, "record_id")) or self._holds(i, bounds, file))
        ]

    def _extent(self, group: int, column: str) -> Extent:
        if (group, column) not in self._extents:
            chunk = self.metadata.row_group(group).column(self._places[column])
            told = chunk.statistics
            known = told is not None and told.has_min_max
            self._extents[group, column] = (told.min, told.max) if known else None
        return self._extents[group, column]

    def _holds(self, group: int, bounds: Bounds, file: RangeFile) -> bool:
        columns = tuple(bounds)
        if (group, columns) not in self._looked_at:
            rows = self.opened(file).read_row_group(group, columns=columns, use_threads=False)
            self._looked_at[group, columns] = pl.DataFrame(rows)
        return not self._looked_at[group, columns].filter(*within(bounds)).is_empty()


class Footers:
    """The footers that were asked for last. Threads may share them."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Footer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def of(self, file: RangeFile) -> Footer:
        """Give a file's footer, read where it is not kept."""
        with self._lock:
            if file.path in self._kept:
                self._kept.move_to_end(file.path)
                return self._kept[file.path]
        footer = Footer.read(file)
        with self._lock:
            if file.path not in self._kept:
                self._kept[file.path] = footer
                self._bytes += footer.metadata.serialized_size
                self._forget()
        return footer

    def _forget(self) -> None:
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.metadata.serialized_size


def _meets(extent: Extent, low: Any, high: Any) -> bool:
    return extent is None or (extent[0] <= high and extent[1] >= low)


def _is_one(extent: Extent) -> bool:
    return extent is not None and extent[0] == extent[1]
