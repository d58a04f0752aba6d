"""Read rows by their places, in any process: after a fork polars can't be used, pyarrow can."""

import os
from collections import OrderedDict
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ops.lake.footers import Footers
from ops.lake.location import Location
from ops.lake.ranges import RangeFile
from pulselake.places import Places, TableFiles

MOST_GROUPS: Final = 16
"""Row groups that are kept, the last used ones: of windows, 128 rows or 0.4 MB each."""


class RowReader:
    """Reads some columns of a table's rows, a row group at a time; threads may not share it.

    Files are opened when they are first asked for, once a process, and not sent to others.
    """

    def __init__(self, location: Location, files: TableFiles, columns: list[str]) -> None:
        self._location = location
        self._files = files
        self._columns = columns
        self._process: int | None = None

    def take(self, places: Places) -> pa.Table:
        """Read the rows at ``places``, which are all somewhere, in their order."""
        order = np.lexsort((places.row, places.file))
        parts = [
            self._rows(int(number), places.row[order[places.file[order] == number]])
            for number in np.unique(places.file)
        ]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return pa.concat_tables(parts).take(back)

    def dataset(self, file: int) -> str:
        """Name the dataset of a file."""
        return self._files.datasets[file]

    def __getstate__(self) -> dict[str, Any]:
        """Send what to read, and nothing that is open."""
        kept = ("_location", "_files", "_columns")
        return {**{name: self.__dict__[name] for name in kept}, "_process": None}

    def _rows(self, number: int, rows: NDArray[np.int64]) -> pa.Table:
        """Read rows of one file, in ascending order."""
        self._open()
        footer = self._footers.of(self._file(number))
        n_rows = [
            footer.metadata.row_group(i).num_rows for i in range(footer.metadata.num_row_groups)
        ]
        starts = np.cumsum([0, *n_rows])
        groups = np.searchsorted(starts, rows, side="right") - 1
        return pa.concat_tables(
            self._group(number, int(group)).take(rows[groups == group] - starts[group])
            for group in np.unique(groups)
        )

    def _group(self, number: int, group: int) -> pa.Table:
        place = (number, group)
        if place not in self._groups:
            file = self._file(number)
            parquet = self._footers.of(file).opened(file)
            table = parquet.read_row_group(group, columns=self._columns, use_threads=False)
            self._groups[place] = table.combine_chunks()
            if len(self._groups) > MOST_GROUPS:
                self._groups.popitem(last=False)
        self._groups.move_to_end(place)
        return self._groups[place]

    def _file(self, number: int) -> RangeFile:
        path = f"{self._root}/{self._files.table}/{self._files.paths[number]}"
        return RangeFile(self._fs, path, self._files.sizes[number])

    def _open(self) -> None:
        """Connect this process: what another one has opened can't be used after a fork."""
        if self._process != os.getpid():
            self._fs, self._root = self._location.filesystem()
            self._footers = Footers()
            self._groups: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()
            self._process = os.getpid()
