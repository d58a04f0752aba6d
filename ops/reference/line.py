"""Readings of an arterial line, and which of its windows are fit to be truth.

A window of a line is fit where ABP is graded good, is in mmHg, has pressures that can be of a
living adult, and belongs to a line that does not contradict the cuff: the nearest cuff reading that
was taken while the line was good, within a minute of it, has a mean within 30 mmHg of the line's
then. A line that was never zeroed, or lies far above or below the heart, fails that. (A transducer
that is a few mmHg off passes: that is for the audit to see.)
"""

from typing import Final

import polars as pl

from ops.reference.in_time import RECORD, beside_in_time
from ops.reference.plausible import plausible
from schemas.modality import UNITS

NEAR_S: Final = 60.0
APART_MMHG: Final = 30.0

COLUMNS: Final = [
    *RECORD,
    "window_index",
    "start_s",
    "sbp",
    "dbp",
    "map",
    "input_sha256",
    "abp_grade",
    "abp_unit",
]


def line_readings(windows: pl.LazyFrame, cuffs: pl.DataFrame) -> pl.DataFrame:
    """List the windows of a line that are fit to be truth, as readings in the order of time.

    Args:
        windows: rows of the ``windows`` table, of which ``COLUMNS`` are read.
        cuffs: what ``cuff_readings`` gives of their records.
    """
    fit = windows.select(COLUMNS).filter(
        pl.col("abp_grade") == "good", pl.col("abp_unit") == UNITS["abp"], plausible()
    )
    lines = fit.collect().sort("start_s")
    judged = beside_in_time(lines, _beside(cuffs, lines), "start_s", "taken_s")
    return judged.filter(~pl.col("contradicts").fill_null(value=False)).select(
        *RECORD,
        pl.lit("line").alias("kind"),
        taken_s="start_s",
        sbp="sbp",
        dbp="dbp",
        map="map",
        moment="window_index",
        moment_sha256="input_sha256",
    )


def _beside(cuffs: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Say of the cuff readings that have a line beside them whether the line contradicts them."""
    told = lines.select(*RECORD, "start_s", line_map="map")
    pairs = beside_in_time(cuffs.sort("taken_s"), told, "taken_s", "start_s", within_s=NEAR_S)
    apart = (pl.col("map") - pl.col("line_map")).abs() > APART_MMHG
    beside = pairs.filter(pl.col("line_map").is_not_null())
    return beside.select(*RECORD, "taken_s", contradicts=apart)
