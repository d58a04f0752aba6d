"""Read a lake's tables, and change them one atomic commit at a time."""

from collections.abc import Iterable, Sequence

import polars as pl
from deltalake import DeltaTable

from ops.lake.commit import commit_files, open_table
from ops.lake.files import DataFile, DataFileWriter, write_files
from ops.lake.location import Location
from schemas.tables import TABLES


class Lake:
    """The tables of one lake. Cheap to make, holds no connection, travels to actors by its URL."""

    def __init__(self, url: str) -> None:
        self.location = Location.parse(url)

    @property
    def url(self) -> str:
        """The lake's absolute path or URL."""
        return self.location.url

    def open(self, table: str) -> DeltaTable | None:
        """Open a table at its newest version; null where nothing was ever written to it."""
        return open_table(self.location, table)

    def scan(self, table: str, dataset: str = "") -> pl.LazyFrame:
        """Scan a table's rows, of one dataset if it is named.

        An empty frame of its schema where nothing was written yet.
        """
        delta = self.open(table)
        if delta is None:
            return TABLES[table].schema.create_empty(lazy=True)
        rows = pl.scan_delta(delta, storage_options=self.location.delta_options() or None)
        return rows.filter(pl.col("dataset") == dataset) if dataset else rows

    def writer(self, table: str, partition: dict[str, str | None]) -> DataFileWriter:
        """Open a new data file; it is in the table once it is committed."""
        return DataFileWriter(self.location, TABLES[table], partition)

    def commit(
        self,
        table: str,
        files: Sequence[DataFile] = (),
        *,
        replacing: pl.DataFrame | None = None,
    ) -> int:
        """Add files and take out the older rows that match ``replacing``, in one commit.

        Args:
            table: the table's name.
            files: finished data files of this table.
            replacing: values of some of the key's columns, the partition's among them; older rows
                that agree with one of its rows in all of them go.

        Returns:
            The number of older rows that went.

        Raises:
            OSError: where the race for the commit was lost too often.
        """
        return commit_files(self.location, TABLES[table], files, replacing)

    def put(
        self, table: str, frames: Iterable[pl.DataFrame], *, replacing: pl.DataFrame | None = None
    ) -> int:
        """Write a few rows and commit them; see ``commit``."""
        rows = list(frames)
        files = write_files(self.location, TABLES[table], rows) if rows else []
        return self.commit(table, files, replacing=replacing)
