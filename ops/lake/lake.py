"""Read a lake's tables, and change them one atomic commit at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

import polars as pl
from deltalake import DeltaTable

from ops.lake.commit import commit_files, open_table
from ops.lake.evolve import conformed, readable_columns
from ops.lake.files import DataFile, DataFileWriter, write_files
from ops.lake.history import moment_of, open_as_of
from ops.lake.location import Location
from schemas.tables import TABLES


class Lake:
    """The tables of one lake. Cheap to make, holds no connection, travels to actors by its URL.

    With ``as_of`` it is read as it was at that time (UTC where it has no zone), or when the run of
    that id had ended, and can't be written.
    """

    def __init__(self, url: str, as_of: datetime | str | None = None) -> None:
        self.location = Location.parse(url)
        self._as_of = as_of

    @cached_property
    def moment(self) -> datetime | None:
        """The moment in UTC as of which the lake is read; null where it is read as it is.

        Raises:
            ValueError: where ``as_of`` is neither time nor run, or not in the lake's lifetime.
        """
        return None if self._as_of is None else moment_of(self.location, self._as_of)

    @property
    def url(self) -> str:
        """The lake's absolute path or URL."""
        return self.location.url

    def open(self, table: str) -> DeltaTable | None:
        """Open a table at its newest version; null where nothing was ever written to it.

        Raises:
            ValueError: where it is to be read as of a moment that can't be read any more.
        """
        if self.moment is None:
            return open_table(self.location, table)
        return open_as_of(self.location, table, self.moment)

    def scan(self, table: str, dataset: str = "") -> pl.LazyFrame:
        """Scan a table's rows by its schema, of one dataset if it is named.

        An empty frame where nothing was written yet. Columns that came since the table was made
        are null in its older rows; columns of a newer pulselake are left out.

        Raises:
            LakeError: where a column is of another type than here, or a needed one is lacking.
        """
        delta = self.open(table)
        if delta is None:
            return TABLES[table].schema.create_empty(lazy=True)
        there = readable_columns(self.location, TABLES[table], delta)
        rows = pl.scan_delta(delta, storage_options=self.location.polars_options())
        rows = conformed(rows, TABLES[table], there)
        return rows.filter(pl.col("dataset") == dataset) if dataset else rows

    def writer(self, table: str, partition: dict[str, str | None]) -> DataFileWriter:
        """Open a new data file; it is in the table once it is committed.

        Raises:
            ValueError: where the lake is read as of a moment.
        """
        self._see_writable()
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
            NoRoomError: where the lake is full or may not be written to.
            OSError: where the race for the commit was lost too often, a file has waited too long
                for it, or the table is of a newer pulselake.
            ValueError: where a model of the files is withdrawn, or the lake is read as of a moment.
        """
        self._see_writable()
        with self.location.room():
            return commit_files(self.location, TABLES[table], files, replacing)

    def put(
        self, table: str, frames: Iterable[pl.DataFrame], *, replacing: pl.DataFrame | None = None
    ) -> int:
        """Write a few rows and commit them; see ``commit``."""
        self._see_writable()
        rows = list(frames)
        files = write_files(self.location, TABLES[table], rows) if rows else []
        return self.commit(table, files, replacing=replacing)

    def _see_writable(self) -> None:
        if self._as_of is not None:
            message = f"lake {self.url} is read as of {self._as_of}, and can't be written"
            raise ValueError(message)
