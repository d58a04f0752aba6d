"""Make few large files of many small ones: the same rows, sorted by record and time."""

from typing import Final

import polars as pl
from deltalake import DeltaTable

from ops.lake.commit import active_files, open_table, scan_file, swap_files
from ops.lake.files import DataFileWriter
from ops.lake.location import Location
from schemas.tables import TABLES, Table

TARGET_BYTES: Final = 48 * 2**20
FEWEST_FILES: Final = 4


def compact(location: Location, name: str) -> int:
    """Merge a table's small files, partition by partition; give how many files are fewer.

    A file above half of ``TARGET_BYTES`` is left alone. Where another writer commits first, the
    rest is left for the next night. Memory is that of one target file.
    """
    table = TABLES[name]
    fewer = 0
    for group in _groups(open_table(location, name), table):
        delta = open_table(location, name)
        if delta is None or not set(group).issubset(active_files(delta)["path"]):
            continue
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
    rows = pl.concat([scan_file(location, table, path, partition) for path in paths])
    with DataFileWriter(location, table, partition) as file:
        file.write(rows.collect())
    merged = file.finished()
    return len(paths) - 1 if swap_files(location, table, delta, paths, merged) else 0
