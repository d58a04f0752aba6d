"""Arrow and Delta forms of a table's rows."""

import polars as pl
import pyarrow as pa
from deltalake import Schema
from polars.datatypes import DataTypeClass

from schemas.tables import Table

_ARROW: dict[DataTypeClass, pa.DataType] = {
    pl.String: pa.string(),
    pl.Boolean: pa.bool_(),
    pl.Int16: pa.int16(),
    pl.Int32: pa.int32(),
    pl.Int64: pa.int64(),
    pl.Float32: pa.float32(),
    pl.Float64: pa.float64(),
}


def _arrow_type(dtype: pl.DataType | DataTypeClass) -> pa.DataType:
    if isinstance(dtype, pl.List):
        return pa.list_(pa.field("element", _arrow_type(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pa.struct([pa.field(f.name, _arrow_type(f.dtype)) for f in dtype.fields])
    if isinstance(dtype, pl.Datetime):
        return pa.timestamp("us", tz=dtype.time_zone)
    return _ARROW[dtype.base_type()]


def arrow_schema(table: Table) -> pa.Schema:
    """Give every column of the table, partition columns too."""
    return pa.schema(
        [
            pa.field(name, _arrow_type(column.dtype), nullable=column.nullable)
            for name, column in table.schema.columns().items()
        ]
    )


def data_schema(table: Table) -> pa.Schema:
    """Give the columns that lie in data files: all but the partition's."""
    return pa.schema([f for f in arrow_schema(table) if f.name not in table.partition_by])


def delta_schema(table: Table) -> Schema:
    """Give the table's schema as the Delta log keeps it."""
    return Schema.from_arrow(arrow_schema(table))


def to_arrow(frame: pl.DataFrame, table: Table) -> pa.Table:
    """Turn validated rows into what a data file holds."""
    schema = data_schema(table)
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def delta_packed_columns(table: Table) -> list[str]:
    """Name the leaf columns of signals, as Parquet spells them."""
    return [
        f"{name}.list.element"
        for name, column in table.schema.columns().items()
        if column.dtype == pl.List(pl.Int16)
    ]
