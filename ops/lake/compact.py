"""Make few large files of many small ones: the same rows, sorted by record and time."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl
from deltalake import DeltaTable

from ops.lake.commit import active_files, open_table, scan_file, swap_files
from ops.lake.evolve import grow
from ops.lake.files import DataFileWriter
from ops.lake.location import Location
from schemas.tables import TABLES, Table

TARGET_BYTES: Final = 48 * 2**20
FEWEST_FILES: Final = 4
ROWS_AT_ONCE: Final = 4096
FILES_AT_ONCE: Final = 128
"""Of a few rows each: what is held for a file then costs more than they do."""


def compact(location: Location, name: str) -> int:
    """Merge a table's small files, partition by partition; give how many files are fewer.

    A file above half of ``TARGET_BYTES`` is left alone. Where another writer commits first, the
    rest is left for the next night. Memory is that of some thousand rows, or of a target file's
    where the files' keys lie between each other's.
    """
    table = TABLES[name]
    fewer = 0
    for group in _groups(open_table(location, name), table):
        delta = open_table(location, name)
        if delta is None or not set(group).issubset(active_files(delta)["path"]):
            continue
        grow(location, table, delta)
        fewer += _merge(location, table, delta, group)
    return fewer


def _groups(delta: DeltaTable | None, table: Table) -> list[list[str]]:
    """Bin neighbouring small files of a partition up to the target size."""
    files = active_files(delta) if delta is not None else pl.DataFrame()
    if files.is_empty():
        return []
    order = [f"min.{c}" for c in table.key if f"min.{c}" in files.columns]
    small = files.filter(pl.col("size_bytes") < TARGET_BYTES // 2).sort(order)
    parts = [f"partition.{c}" for c in table.partition_by]
    whole = small.partition_by(parts) if parts else [small]
    groups = [
        group["path"].to_list()
        for part in whole
        for group in part.with_columns(
            bin=pl.col("size_bytes").cum_sum() // TARGET_BYTES
        ).partition_by("bin")
    ]
    return [group for group in groups if len(group) >= FEWEST_FILES]


def _merge(location: Location, table: Table, delta: DeltaTable, paths: list[str]) -> int:
    files = active_files(delta).filter(pl.col("path").is_in(paths))
    partition = {c: files[f"partition.{c}"][0] for c in table.partition_by}
    frames = (
        pl.concat([scan_file(location, table, path, partition) for path in some]).collect()
        for some in _some_at_once(files, table)
    )
    with DataFileWriter(location, table, partition, anew=True) as file:
        for rows in _whole_row_groups(frames, table):
            file.write(rows)
    merged = file.finished()
    return len(paths) - 1 if swap_files(location, table, delta, paths, merged) else 0


def _some_at_once(files: pl.DataFrame, table: Table) -> Iterator[list[str]]:
    """Give files to read together, in the order of their keys: what comes later has later keys."""
    some: list[str] = []
    n_rows = 0
    reach: tuple[Any, ...] = ()
    for path, n, low, high in _extents(files, table):
        if (n_rows >= ROWS_AT_ONCE or len(some) >= FILES_AT_ONCE) and reach < low:
            yield some
            some, n_rows = [], 0
        some.append(path)
        n_rows += n
        reach = max(reach, high)
    yield some


def _extents(
    files: pl.DataFrame, table: Table
) -> Iterator[tuple[str, int, tuple[Any, ...], tuple[Any, ...]]]:
    """By file, its rows, and keys that none of its rows comes before or after.

    All keys but the first few columns are left out where a file does not tell them.
    """
    ends = []
    for column in (c for c in table.key if c not in table.partition_by):
        if files.get_column(f"min.{column}", default=pl.Series([None])).has_nulls():
            break
        ends.append(column)
    lows, highs = ([f"{end}.{c}" for c in ends] for end in ("min", "max"))
    for row in files.sort(lows or "path").iter_rows(named=True):
        low, high = (tuple(row[c] for c in columns) for columns in (lows, highs))
        yield row["path"], row["num_records"], low, high


def _whole_row_groups(frames: Iterable[pl.DataFrame], table: Table) -> Iterator[pl.DataFrame]:
    """Cut rows so that no row group but the last is a short one."""
    rest: list[pl.DataFrame] = []
    for frame in frames:
        rows = pl.concat([*rest, frame.sort(table.key)])
        whole = rows.height // table.row_group_rows * table.row_group_rows
        yield rows.head(whole)
        rest = [rows.slice(whole)]
    yield from rest
