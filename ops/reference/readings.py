"""All readings of some records, and what of a backfill they calibrate."""

import polars as pl

from ops.reference.choose import calibrated, uncalibrated, with_moments
from ops.reference.cuff import cuff_readings
from ops.reference.line import line_readings


def readings(windows: pl.LazyFrame, numerics: pl.LazyFrame) -> pl.DataFrame:
    """List readings by cuff and by line, from rows of ``windows`` and ``numerics`` of records."""
    cuffs = cuff_readings(numerics)
    return pl.concat([with_moments(cuffs, windows), line_readings(windows, cuffs)])


def with_references(wants: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Say of what is wanted what calibrates it; only a pressure that is made is calibrated."""
    made = (pl.col("task") == "translate") & (pl.col("modality") == "abp")
    return pl.concat([calibrated(wants.filter(made), read), uncalibrated(wants.filter(~made))])
