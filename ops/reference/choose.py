"""Which reading calibrates which window.

It is the latest that was taken before the window began, by cuff or line, and of the same moment the
line's; where there is none, the earliest within some time after it, whose age is negative. A study
that may not look ahead keeps ages from 0 up.
"""

import hashlib
from typing import Final

import polars as pl
from polars._typing import AsofJoinStrategy

from ops.reference.in_time import RECORD, beside_in_time

NEAR_S: Final = 60.0
"""A reading's moment is shown by a window that begins within this time of it."""

READING: Final = {
    "kind": pl.String,
    "taken_s": pl.Float64,
    "sbp": pl.Float32,
    "dbp": pl.Float32,
    "map": pl.Float32,
    "moment": pl.Int32,
    "moment_sha256": pl.String,
}
"""What a reading says beside its record."""

_READ: Final = list(READING)

SCHEMA: Final = {
    "calibration": pl.String,
    "reference_age_s": pl.Float64,
    "reference_sbp": pl.Float32,
    "reference_dbp": pl.Float32,
    "reference_map": pl.Float32,
    "moment": pl.Int32,
    "moment_sha256": pl.String,
    "reference_sha256": pl.String,
}
"""The columns that say what a window is calibrated by; all null where calibration has no meaning,
all but the first where it is ``none``."""


def with_moments(cuffs: pl.DataFrame, windows: pl.LazyFrame) -> pl.DataFrame:
    """Give cuff readings the window that shows their moment: the nearest that is fit.

    One where both ECG and PPG are good or fair goes before one where only one of them is.
    """
    fit = {m: pl.col(f"{m}_grade").is_in(["good", "fair"]) for m in ("ecg", "ppg")}
    near = windows.filter(fit["ecg"] | fit["ppg"]).select(
        *RECORD,
        "start_s",
        moment="window_index",
        moment_sha256="input_sha256",
        both=fit["ecg"] & fit["ppg"],
    )
    there = near.collect().sort("start_s")
    read = cuffs.sort("taken_s").with_columns(kind=pl.lit("cuff"))
    either = _nearest(read, there)
    both = _nearest(read, there.filter("both"))
    shown = [pl.coalesce(both[name], either[name]).alias(name) for name in _MOMENT]
    return read.with_columns(pl.select(*shown)).select(*RECORD, *_READ)


_MOMENT: Final = ["moment", "moment_sha256"]


def _nearest(read: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    return beside_in_time(read, there, "taken_s", "start_s", within_s=NEAR_S)


def calibrated(wants: pl.DataFrame, readings: pl.DataFrame, ahead_s: float) -> pl.DataFrame:
    """Say of every window (``start_s``) what calibrates it: the columns of ``SCHEMA``.

    ``ahead_s`` is how long after a window its reading may be taken.
    """
    line = pl.col("kind") == "line"
    earlier, later = readings.sort("taken_s", line), readings.sort("taken_s", ~line)
    asked = wants.with_row_index("row").sort("start_s")
    chosen = pl.concat(
        [_found(asked, earlier, "backward"), _found(asked, later, "forward", ahead_s)]
    )
    first = chosen.unique("row", keep="first", maintain_order=True)
    return referred(asked.join(first, on="row", how="left").sort("row").drop("row"))


def uncalibrated(wants: pl.DataFrame) -> pl.DataFrame:
    """Give rows for which calibration has no meaning the columns of ``SCHEMA``, all null."""
    return wants.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items())


def _found(
    asked: pl.DataFrame,
    ordered: pl.DataFrame,
    strategy: AsofJoinStrategy,
    within_s: float | None = None,
) -> pl.DataFrame:
    times = asked.select("row", *RECORD, "start_s")
    found = beside_in_time(
        times, ordered, "start_s", "taken_s", strategy=strategy, within_s=within_s
    )
    return found.filter(pl.col("kind").is_not_null()).select("row", *_READ)


def referred(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn the columns of a chosen reading, null without one, into those of ``SCHEMA``."""
    named = rows.with_columns(
        pl.col("kind").fill_null("none").alias("calibration"),
        (pl.col("start_s") - pl.col("taken_s")).alias("reference_age_s"),
        pl.col("sbp").alias("reference_sbp"),
        pl.col("dbp").alias("reference_dbp"),
        pl.col("map").alias("reference_map"),
    )
    used = rows.filter(pl.col("kind").is_not_null()).select(_READ).unique()
    hashed = used.with_columns(
        pl.Series("reference_sha256", [_hash(row) for row in used.rows()], dtype=pl.String)
    )
    joined = named.join(hashed, on=_READ, how="left", nulls_equal=True, maintain_order="left")
    others = [name for name in rows.columns if name not in _READ]
    return joined.select(*others, *(pl.col(n).cast(t) for n, t in SCHEMA.items()))


def _hash(reading: tuple[object, ...]) -> str:
    return hashlib.sha256("\n".join(map(str, reading)).encode()).hexdigest()
