"""One export of pressures: series, hours and subjects, and the forms that others read."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal, get_args

import polars as pl

from ops.cohort.hours import hourly, subjects
from ops.cohort.meds import write_meds
from ops.cohort.omop import write_omop
from ops.cohort.written import write_csv, write_parquet

Form = Literal["parquet", "csv", "omop", "meds", "croissant"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

TABLES: Final = ("series", "hourly", "subjects")
"""What ``parquet`` and ``csv`` are of."""

ORDER: Final = ["dataset", "subject_id", "record_id", "window_index", "source"]

Timed = Callable[[str], AbstractContextManager[None]]


def write_tables(series: pl.LazyFrame, folder: Path, timed: Timed) -> pl.LazyFrame:
    """Write series, hours and subjects as Parquet; give the series as it was written, in order.

    The lake is read once: all else comes from that file. ``timed`` times a step by its name.
    """
    path = folder / "series.parquet"
    flagged = series.with_columns(synthetic=pl.col("source") == "synthetic")
    with timed("series"):
        # To be sorted it is in memory anyhow, and streaming it there takes longer.
        write_parquet(flagged.sort(ORDER).collect(engine="in-memory").lazy(), path)
    rows = pl.scan_parquet(path)
    for name, summed in (("hourly", hourly), ("subjects", subjects)):
        with timed(name):
            flag = pl.col("source") == "synthetic"
            # A few rows come out; streaming them takes twice as long.
            few = summed(rows).with_columns(synthetic=flag).collect(engine="in-memory")
            write_parquet(few.lazy(), folder / f"{name}.parquet")
    return rows


def write_forms(
    rows: pl.LazyFrame, folder: Path, forms: Sequence[Form], timed: Timed, *, version: str
) -> None:
    """Write what others read, of a series in order; ``version`` is that of pulselake."""
    if "csv" in forms:
        with timed("csv"):
            for name in TABLES:
                tables = pl.scan_parquet(folder / f"{name}.parquet")
                write_csv(tables, folder / f"{name}.csv")
    if "omop" in forms:
        with timed("omop"):
            write_omop(rows, folder / "omop")
    if "meds" in forms:
        with timed("meds"):
            write_meds(rows, folder / "meds", version=version)


def drop_tables(folder: Path) -> None:
    """Take out the tables that ``write_tables`` made, where Parquet was not asked for."""
    for name in TABLES:
        (folder / f"{name}.parquet").unlink()
