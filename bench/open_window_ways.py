"""Ways to open one window of a lake, and their times in ms."""

import importlib.resources
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

from bench.open_window_lake import DATASET, data_files
from ops.lake import Lake
from ops.lake.snapshot import Snapshot
from schemas.grid import SHARD_WINDOWS

Pick = tuple[str, int]
"""A record and one of its windows."""

Read = Callable[[str, int], pl.DataFrame]
Clock = Callable[[], float]


def one_window(snapshot: Snapshot, record_id: str, window: int, *columns: str) -> pl.DataFrame:
    """Open a window, or some columns of it.

    Raises:
        RuntimeError: where it is not there once.
    """
    rows = snapshot.rows(dataset=DATASET, record_id=record_id, window_index=(window, window))
    found = rows.select(columns or pl.all()).collect()
    if found.height != 1:
        message = f"window {window} of {record_id} was found {found.height} times"
        raise RuntimeError(message)
    return found


def a_shard(snapshot: Snapshot, record_id: str, window: int) -> pl.DataFrame:
    """Read the shard in which a window lies, as a night does."""
    first = window // SHARD_WINDOWS * SHARD_WINDOWS
    span = (first, first + SHARD_WINDOWS - 1)
    return snapshot.rows(dataset=DATASET, record_id=record_id, window_index=span).collect()


def scanned(lake: Lake, record_id: str, window: int) -> pl.DataFrame:
    """Open a window as one would at first."""
    rows = pl.scan_delta(lake.location.table_url("windows"))
    return rows.filter(
        pl.col("dataset") == DATASET,
        pl.col("record_id") == record_id,
        pl.col("window_index") == window,
    ).collect()


def duckdb_way(lake: Lake) -> Read:
    """Open windows with DuckDB over one connection."""
    folder = Path(str(importlib.resources.files("duckdb_extension_delta")))
    database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    database.load_extension(str(next(folder.rglob("*.duckdb_extension"))))
    query = "select * from delta_scan(?) where dataset = ? and record_id = ? and window_index = ?"
    url = lake.location.table_url("windows")
    return lambda record_id, window: database.execute(query, [url, DATASET, record_id, window]).pl()


def first_of_a_file(lake: Lake, path: Path) -> float:
    """Time the first window of a file whose footer was not read yet, the log open."""
    snapshot = Snapshot(lake.location, "windows")
    return timed(lambda: one_window(snapshot, *middle_of(path)))[1]


def cold_times(lake: Lake, snapshot: Snapshot, picks: Sequence[Pick]) -> list[float]:
    """Time windows with the data files put out of the page cache before each."""
    ms = []
    for pick in picks:
        for path in data_files(lake):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        ms += times(lambda r, w: one_window(snapshot, r, w), [pick])
    return ms


def floor_times(lake: Lake, picks: Sequence[Pick]) -> list[float]:
    """Time one row group a pick, of a file that is open and known."""
    path = data_files(lake)[0]
    with pq.ParquetFile(path) as parquet:
        n = parquet.num_row_groups
        return [
            timed(lambda i=i: parquet.read_row_group(i % n, use_threads=False))[1]  # type: ignore[misc]
            for i in range(len(picks))
        ]


def middle_of(path: Path) -> Pick:
    """Name the window in the middle of a file."""
    keys = pl.read_parquet(path, columns=["record_id", "window_index"], hive_partitioning=False)
    record_id, window = keys.row(keys.height // 2)
    return record_id, window


def timed(call: Callable[[], Any], clock: Clock = time.perf_counter) -> tuple[Any, float]:
    """Give what ``call`` gives, and the milliseconds it took."""
    start = clock()
    given = call()
    return given, (clock() - start) * 1e3


def times(read: Read, picks: Sequence[Pick], clock: Clock = time.perf_counter) -> list[float]:
    """Give the milliseconds of each pick."""
    return [timed(lambda pick=pick: read(*pick), clock)[1] for pick in picks]  # type: ignore[misc]
