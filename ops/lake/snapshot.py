"""One version of a table, opened once and read by key."""

from typing import Any

import polars as pl

from ops.lake.commit import active_files, open_table, scan_file
from ops.lake.location import Location
from schemas.tables import TABLES


class Snapshot:
    """A table as it is when this is made; files are chosen by the log's statistics alone."""

    def __init__(self, location: Location, table: str) -> None:
        self._location = location
        self._table = TABLES[table]
        delta = open_table(location, table)
        self._files = active_files(delta) if delta is not None else pl.DataFrame()

    def rows(self, *, dataset: str, record_id: str, **between: tuple[Any, Any]) -> pl.LazyFrame:
        """Scan rows of one record; ``between`` bounds further columns, both ends included."""
        chosen = self._files
        if chosen.is_empty():
            return self._table.schema.create_empty(lazy=True)
        bounds = {"record_id": (record_id, record_id), **between}
        overlap = [
            (pl.col(f"min.{c}") <= high) & (pl.col(f"max.{c}") >= low)
            for c, (low, high) in bounds.items()
        ]
        chosen = chosen.filter(pl.col("partition.dataset") == dataset, *overlap)
        scans = [
            scan_file(self._location, self._table, path, {"dataset": dataset})
            for path in chosen["path"]
        ]
        if not scans:
            return self._table.schema.create_empty(lazy=True)
        inside = [
            pl.col(c).is_between(pl.lit(low), pl.lit(high)) for c, (low, high) in bounds.items()
        ]
        return pl.concat(scans).filter(*inside)
