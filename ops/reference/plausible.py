"""What can be a pressure at all, whoever measured it."""

from typing import Final

import polars as pl

SBP_MMHG: Final = (50.0, 280.0)
DBP_MMHG: Final = (20.0, 200.0)
LEAST_MAP_MMHG: Final = 40.0
LEAST_PULSE_MMHG: Final = 15.0


def plausible() -> pl.Expr:
    """Say of rows with ``sbp``, ``dbp`` and ``map`` in mmHg whether they can be of a living adult.

    The mean lies between diastole and systole; a null makes it null.
    """
    return (
        pl.col("sbp").is_between(*SBP_MMHG)
        & pl.col("dbp").is_between(*DBP_MMHG)
        & (pl.col("map") >= LEAST_MAP_MMHG)
        & (pl.col("sbp") - pl.col("dbp") >= LEAST_PULSE_MMHG)
        & (pl.col("dbp") < pl.col("map"))
        & (pl.col("map") < pl.col("sbp"))
    )
