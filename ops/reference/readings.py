"""All readings of some records, and what of a backfill they calibrate."""

from typing import Final

import polars as pl

from ops.reference.choose import READING, calibrated, uncalibrated, with_moments
from ops.reference.cuff import cuff_readings
from ops.reference.in_time import RECORD
from ops.reference.line import line_readings

MOST_AGE_S: Final = 4 * 3600.0
"""Age of a reading that a model still goes by: wards take the cuff at least so often."""


def readings(windows: pl.LazyFrame, numerics: pl.LazyFrame) -> pl.DataFrame:
    """List readings by cuff and by line, from rows of ``windows`` and ``numerics`` of records."""
    cuffs = cuff_readings(numerics)
    return pl.concat([with_moments(cuffs, windows), line_readings(windows, cuffs)])


def no_readings() -> pl.DataFrame:
    """Give the readings of a model that goes by none."""
    return pl.DataFrame(schema={**dict.fromkeys(RECORD, pl.String), **READING})


def with_references(
    wants: pl.DataFrame, read: pl.DataFrame, ahead_s: float = MOST_AGE_S
) -> pl.DataFrame:
    """Say of what is wanted what calibrates it; only a pressure that is made is calibrated.

    ``ahead_s`` is how long after a window its reading may be taken, where none was before it.
    """
    made = (pl.col("task") == "translate") & (pl.col("modality") == "abp")
    return pl.concat(
        [calibrated(wants.filter(made), read, ahead_s), uncalibrated(wants.filter(~made))]
    )
