"""One atomic commit: new files in, the rows they replace out."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from ops.lake.arrow import delta_schema
from ops.lake.files import DataFile, write_files
from ops.lake.location import Location
from schemas.tables import Table

APP_ID: Final = "pulselake"
MOST_ATTEMPTS: Final = 30


def commit_files(
    location: Location, table: Table, files: Sequence[DataFile], replacing: pl.DataFrame | None
) -> int:
    """Commit ``files``, take out the rows that match ``replacing``; see ``Lake.commit``."""
    if not files and (replacing is None or replacing.is_empty()):
        return 0
    for attempt in range(MOST_ATTEMPTS):
        delta = ensure_table(location, table)
        outgoing = _outgoing(location, table, delta, replacing)
        if not files and not outgoing.paths:
            return 0
        try:
            _transact(delta, table, [*files, *outgoing.rewritten], outgoing.paths)
        except CommitFailedError:
            _discard(location, outgoing.rewritten)
            time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311
            continue
        return outgoing.n_rows
    message = (
        f"table {table.name} of {location.url} lost the race for a commit {MOST_ATTEMPTS} times"
    )
    raise OSError(message)


def swap_files(
    location: Location, table: Table, delta: DeltaTable, old: list[str], new: Sequence[DataFile]
) -> bool:
    """Put the same rows in other files; False where another writer came first."""
    try:
        _transact(delta, table, new, old, data_change=False)
    except CommitFailedError:
        _discard(location, new)
        return False
    return True


def active_files(delta: DeltaTable) -> pl.DataFrame:
    """List a table's data files, one row each, with the statistics of the log flattened.

    ``path`` is that of the file itself; the log escapes it once more.
    """
    files = pl.DataFrame(delta.get_add_actions(flatten=True))
    paths = [unquote(path) for path in files["path"]]
    return files.with_columns(pl.Series("path", paths, dtype=pl.String))


def scan_file(
    location: Location, table: Table, path: str, partition: dict[str, str | None]
) -> pl.LazyFrame:
    """Scan one data file with its partition's values."""
    return pl.scan_parquet(
        f"{location.table_url(table.name)}/{path}",
        storage_options=location.delta_options() or None,
        hive_partitioning=False,
        glob=False,
    ).with_columns(pl.lit(value, pl.String).alias(name) for name, value in partition.items())


def open_table(location: Location, name: str) -> DeltaTable | None:
    """Open a table at its newest version; null where nothing was ever written to it."""
    try:
        return DeltaTable(location.table_url(name), storage_options=location.delta_options())
    except TableNotFoundError:
        return None


def ensure_table(location: Location, table: Table) -> DeltaTable:
    """Open a table, making it where it is not there; two that make it at once both get it."""
    return open_table(location, table.name) or DeltaTable.create(
        location.table_url(table.name),
        schema=delta_schema(table),
        mode="ignore",
        partition_by=list(table.partition_by),
        name=table.name,
        description=(table.schema.__doc__ or "").split("\n", maxsplit=1)[0],
        storage_options=location.delta_options(),
    )


@dataclass(frozen=True)
class _Outgoing:
    """Files that a commit takes out, what remains of them, and how many rows go."""

    paths: list[str]
    rewritten: list[DataFile]
    n_rows: int


def _outgoing(
    location: Location, table: Table, delta: DeltaTable, replacing: pl.DataFrame | None
) -> _Outgoing:
    if replacing is None or replacing.is_empty():
        return _Outgoing([], [], 0)
    paths: list[str] = []
    rewritten: list[DataFile] = []
    n_rows = 0
    for path, *values in _candidates(table, delta, replacing).rows():
        partition = dict(zip(table.partition_by, values, strict=True))
        rows = scan_file(location, table, path, partition)
        keys = rows.select(replacing.columns).collect()
        goes = keys.with_row_index("row").join(replacing, on=replacing.columns, how="semi")
        if goes.is_empty():
            continue
        paths.append(path)
        n_rows += goes.height
        if goes.height < keys.height:
            rest = rows.with_row_index("row").collect().join(goes, on="row", how="anti")
            rewritten += write_files(location, table, [rest.drop("row")])
    return _Outgoing(paths, rewritten, n_rows)


def _candidates(table: Table, delta: DeltaTable, replacing: pl.DataFrame) -> pl.DataFrame:
    """Find files that may hold a row to replace; give path and partition of each."""
    files = active_files(delta)
    if files.is_empty():
        return files.select(pl.lit("").alias("path")).clear()
    for column in replacing.columns:
        wanted = replacing[column].unique().sort()
        if column in table.partition_by:
            files = files.filter(pl.col(f"partition.{column}").is_in(wanted.implode()))
        elif f"min.{column}" in files.columns:
            first = wanted.search_sorted(files[f"min.{column}"], side="left")
            beyond = wanted.search_sorted(files[f"max.{column}"], side="right")
            files = files.filter(pl.Series(beyond > first) | files[f"min.{column}"].is_null())
    return files.select("path", *(f"partition.{c}" for c in table.partition_by))


def _transact(
    delta: DeltaTable,
    table: Table,
    new: Sequence[DataFile],
    old: Sequence[str],
    *,
    data_change: bool = True,
) -> None:
    """Commit against the version that was read: of two writers at once, one must read again."""
    now_ms = int(time.time() * 1000)
    seen = delta.transaction_version(APP_ID)
    adds = [AddAction(f.path, f.size, f.partition, now_ms, data_change, f.stats) for f in new]
    removes = [RemoveAction(path, data_change, now_ms) for path in old]
    delta.create_write_transaction(
        [*adds, *removes],
        mode="append",
        schema=delta_schema(table),
        partition_by=list(table.partition_by),
        commit_properties=CommitProperties(
            app_transactions=[Transaction(APP_ID, 0 if seen is None else seen + 1)],
            max_commit_retries=0,
        ),
    )


def _discard(location: Location, files: Sequence[DataFile]) -> None:
    """Delete files of a commit that was lost."""
    fs, root = location.filesystem()
    for file in files:
        fs.rm_file(f"{root}/{file.table}/{file.path}")
