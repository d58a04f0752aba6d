"""Tables that another pulselake made: they lack columns, or have some that are unknown here."""

from collections.abc import Collection
from functools import cache
from typing import Final

import polars as pl
from deltalake import DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError

from ops.lake.arrow import delta_schema
from ops.lake.location import LakeError, Location
from schemas.tables import Table

MOST_ATTEMPTS: Final = 30


@cache
def dtypes(table: Table) -> dict[str, pl.DataType]:
    """Give the columns that a table has by its schema, in order, with their types."""
    return dict(table.schema.create_empty().schema)


def conformed(rows: pl.LazyFrame, table: Table, there: Collection[str]) -> pl.LazyFrame:
    """Give rows by the table's schema: columns not ``there`` are null, unknown ones left out."""
    return rows.select(
        pl.col(name) if name in there else pl.lit(None, dtype).alias(name)
        for name, dtype in dtypes(table).items()
    )


def readable_columns(location: Location, table: Table, delta: DeltaTable) -> list[str]:
    """Name a table's columns that are known here.

    Raises:
        LakeError: where one is of another type, or one is lacking that can't be null.
    """
    wanted, columns = dtypes(table), table.schema.columns()
    there = pl.Schema(Schema([f for f in delta.schema().fields if f.name in wanted]))
    for name, dtype in wanted.items():
        if there.get(name, dtype if columns[name].nullable else None) != dtype:
            message = (
                f"column {name} of table {table.name} of lake {location.url} must be {dtype}, got "
                f"{there.get(name, 'no such column')}: read the lake by the pulselake that made it"
            )
            raise LakeError(message)
    return there.names()


def grow(location: Location, table: Table, delta: DeltaTable) -> None:
    """Add the columns that came since a table was made; two that do so at once both have them.

    Raises:
        LakeError: where the table has columns that are unknown here, or of other types.
    """
    for _ in range(MOST_ATTEMPTS):
        there = readable_columns(location, table, delta)
        _see_known(location, table, delta)
        lacking = [f for f in delta_schema(table).fields if f.name not in there]
        if not lacking:
            return
        try:
            delta.alter.add_columns(
                lacking,
                post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
            )
        except CommitFailedError:
            delta.update_incremental()
    message = f"table {table.name} of {location.url} lost the race for new columns: run again"
    raise LakeError(message)


def _see_known(location: Location, table: Table, delta: DeltaTable) -> None:
    """Refuse to write where kept rows, written anew, would lose what is unknown here."""
    unknown = [f.name for f in delta.schema().fields if f.name not in dtypes(table)]
    if unknown:
        message = (
            f"table {table.name} of lake {location.url} has columns that this pulselake does not "
            f"know ({', '.join(unknown)}) and can't be written by it: update pulselake"
        )
        raise LakeError(message)
