"""Tables written as Parquet and CSV."""

from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS: Final = 1_000_000

CLOCK_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.6f"


def write_parquet(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows in their order, in the memory of a few row groups."""
    rows.sink_parquet(path, compression="zstd", mkdir=True)


def write_typed(rows: pl.LazyFrame, path: Path, schema: pa.Schema) -> None:
    """Write rows in their order as Parquet of just these Arrow types, which polars has more of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
            file.write_table(table.cast(schema))


def write_csv(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows in their order; a null is empty, a time ISO 8601."""
    rows.sink_csv(path, datetime_format=CLOCK_FORMAT, mkdir=True)


def write_both(rows: pl.LazyFrame, stem: Path) -> None:
    """Write rows once, and their CSV from that."""
    parquet = stem.with_suffix(".parquet")
    write_parquet(rows, parquet)
    write_csv(pl.scan_parquet(parquet), stem.with_suffix(".csv"))
