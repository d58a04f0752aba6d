"""A lake as DuckDB views in physical units.

Views read the data files of the version that was newest when they were made (or that ``as_of``
asks for), each named to DuckDB's own Parquet reader, since its Delta extension reads neither older
versions nor S3 as the standard variables set it up. Filters and columns are pushed down to the
files. Files on S3 come through fsspec. The audit and pressures, which are small, are handed over as
frames: the audit without rows that no longer tell of the lake.
"""

from typing import Final

import duckdb
import polars as pl
from fsspec.implementations.local import LocalFileSystem

from ops.audit.current import current_audit
from ops.cohort.pressures import measured, synthetic
from ops.lake import Lake
from ops.lake.commit import active_files
from pulselake.units import BAND
from schemas.grid import MISSING
from schemas.modality import MODALITIES, UNITS
from schemas.tables import TABLES

_STORED: Final = {
    "scale",
    "zero",
    *(f"{m}_{part}" for m in MODALITIES for part in ("scale", "zero")),
}


def connect(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Connect to a database in memory whose views are the lake's tables.

    ``windows`` and ``backfill`` are in physical units, as are ``pressures_measured`` and
    ``pressures_synthetic``; ``audit`` is ``current_audit``, and the others are as stored.
    """
    connection = duckdb.connect()
    fs, _ = lake.location.filesystem()
    if not isinstance(fs, LocalFileSystem):
        connection.register_filesystem(fs)
    for table in (name for name in TABLES if name != "audit"):
        rows = _stored(connection, lake, table)
        columns = ", ".join(_columns(table))
        connection.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM ({rows})")  # noqa: S608
    audit = current_audit(lake)
    connection.register("audit", audit)
    connection.register("pressures_measured", measured(lake))
    connection.register("pressures_synthetic", synthetic(lake, audit=audit))
    return connection


def _stored(connection: duckdb.DuckDBPyConnection, lake: Lake, table: str) -> str:
    """Select all rows of a table by its schema; columns that older files lack are null."""
    empty = TABLES[table].schema.create_empty()
    typed = connection.from_arrow(empty.to_arrow(compat_level=pl.CompatLevel.oldest()))
    nulls = [f'NULL::{t} AS "{c}"' for c, t in zip(typed.columns, typed.types, strict=True)]
    none = f"SELECT {', '.join(nulls)} WHERE false"
    return " UNION ALL BY NAME ".join([none, *_parts(lake, table)])


def _parts(lake: Lake, table: str) -> list[str]:
    """Select the rows of each partition: data files do not hold the columns that they go by."""
    delta = lake.open(table)
    files = pl.DataFrame() if delta is None else active_files(delta)
    if files.is_empty():
        return []
    fs, root = lake.location.filesystem()
    at = root if isinstance(fs, LocalFileSystem) else fs.unstrip_protocol(root)
    paths = [f"{at}/{table}/{path}" for path in files["path"]]
    by = list(TABLES[table].partition_by)
    named = files.select(pl.Series("path", paths), *(f"partition.{c}" for c in by))
    groups = named.partition_by(named.columns[1:], as_dict=True) if by else {(): named}
    return [_files(some["path"].to_list(), by, values) for values, some in groups.items()]


def _files(paths: list[str], by: list[str], values: tuple[str, ...]) -> str:
    listed = ", ".join(_quoted(path) for path in paths)
    parts = "".join(f", {_quoted(v)} AS {c}" for c, v in zip(by, values, strict=True))
    options = "hive_partitioning = false, union_by_name = true"
    return f"SELECT *{parts} FROM read_parquet([{listed}], {options})"  # noqa: S608


def _columns(table: str) -> list[str]:
    """Name a table's columns, its signals in physical units as ``pulselake.units`` gives them."""
    physical: dict[str, str] = {}
    if table == "windows":
        for m in MODALITIES:
            signal = _list(m, f"{m}_scale", f"{m}_zero")
            physical[m] = f"CASE WHEN {m}_unit = '{UNITS[m]}' THEN {signal} END"
    if table == "backfill":
        physical = {part: _list(part, "scale", "zero") for part in BAND}
    stored = _STORED if physical else set()
    names = [c for c in TABLES[table].schema.column_names() if c not in stored]
    return [f"{physical[c]} AS {c}" if c in physical else f'"{c}"' for c in names]


def _list(counts: str, scale: str, zero: str) -> str:
    value = f"CASE WHEN x <> {MISSING} THEN (x * {scale} + {zero})::FLOAT END"
    return f"list_transform({counts}, lambda x: {value})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
