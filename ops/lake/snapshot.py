"""One version of a table, opened once and read by key."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from polars.io.plugins import register_io_source

from ops.lake.commit import active_files, open_table
from ops.lake.evolve import readable_columns
from ops.lake.footers import Bounds, Footers, within
from ops.lake.location import Location
from ops.lake.ranges import RangeFile
from schemas.tables import TABLES

MOST_AT_ONCE: Final = 8
"""Row groups; those that lie side by side come in one read."""


class Snapshot:
    """A table as it is when this is made, for many small reads.

    The log's statistics choose the files, those of a file's footer its row groups, and of them only
    the columns that are used are fetched. Footers are kept, so that the next read of a file takes
    nothing but rows. Threads may share it.
    """

    def __init__(self, location: Location, table: str) -> None:
        self._table = TABLES[table]
        self._schema = self._table.schema.create_empty().schema
        self._fs, root = location.filesystem()
        self._root = f"{root}/{table}"
        self._footers = Footers()
        delta = open_table(location, table)
        if delta is not None:
            readable_columns(location, self._table, delta)
        self._files = active_files(delta) if delta is not None else pl.DataFrame()

    def rows(self, *, dataset: str, record_id: str, **between: tuple[Any, Any]) -> pl.LazyFrame:
        """Scan rows of one record by the table's schema, in the memory of a few row groups.

        ``between`` bounds further columns, both ends included.

        Raises:
            OSError: on collecting, where the lake fails for now.
        """
        bounds = {"record_id": (record_id, record_id), **between}

        def scan(
            columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            wanted = self._schema.names() if columns is None else columns
            needed = {*wanted, *([] if predicate is None else predicate.meta.root_names())}
            left = n_rows
            for rows in self._read(dataset, bounds, needed):
                kept = rows if predicate is None else rows.filter(predicate)
                yield kept.select(wanted).head(kept.height if left is None else left)
                if left is not None:
                    left -= min(left, kept.height)
                    if not left:
                        return

        return register_io_source(scan, schema=self._schema)

    def _read(self, dataset: str, bounds: Bounds, columns: set[str]) -> Iterator[pl.DataFrame]:
        stored = sorted((columns | bounds.keys()) - set(self._table.partition_by))
        for path, size in self._files_within(dataset, bounds):
            file = RangeFile(self._fs, f"{self._root}/{path}", size)
            footer = self._footers.of(file)
            groups = footer.row_groups(bounds, file)
            parquet = footer.opened(file)
            for i in range(0, len(groups), MOST_AT_ONCE):
                some = groups[i : i + MOST_AT_ONCE]
                table = parquet.read_row_groups(some, columns=stored, use_threads=False)
                rows = pl.DataFrame(table).filter(*within(bounds))
                lacking = (c for c in stored if c not in rows.columns)
                yield rows.with_columns(
                    pl.lit(dataset, pl.String).alias("dataset"),
                    *(pl.lit(None, self._schema[c]).alias(c) for c in lacking),
                )

    def _files_within(self, dataset: str, bounds: Bounds) -> list[tuple[str, int]]:
        """Choose files by the log; one without statistics may hold anything."""
        if self._files.is_empty():
            return []
        overlap = [
            ((pl.col(f"min.{c}") <= high) & (pl.col(f"max.{c}") >= low)).fill_null(value=True)
            for c, (low, high) in bounds.items()
            if f"min.{c}" in self._files.columns
        ]
        chosen = self._files.filter(pl.col("partition.dataset") == dataset, *overlap)
        return chosen.select("path", "size_bytes").rows()
