"""Cuff readings out of a monitor's numerics, and the rules by which one is left out.

=============  =====================================================================================
left out       because
=============  =====================================================================================
incomplete     systolic, diastolic and mean were not shown together: the cuff failed
other unit     it is not in mmHg
implausible    it can be no pressure of a living adult (``ops.reference.plausible``)
of no age      it stands at the first moment of the record's numerics: when it was taken is unknown
repeated       it is the same in all three values as the one before: the monitor shows it again
on its own     three readings or more lie within half an hour of it, and its mean is further than
               40 mmHg from their median: the patient moved, or somebody leaned on the cuff
=============  =====================================================================================

What one rule has left out no later one sees, but that a reading of no age still says which of those
after it are its repetition.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.reference.in_time import RECORD
from ops.reference.plausible import plausible

NEAR_S: Final = 1800.0
ENOUGH_NEAR: Final = 3
MOST_NEAR: Final = 24
"""Others on either side that are looked at: no record can make that slow."""

ALONE_MMHG: Final = 40.0

_PARTS: Final = {"nbp_systolic": "sbp", "nbp_diastolic": "dbp", "nbp_mean": "map"}


def cuff_readings(numerics: pl.LazyFrame) -> pl.DataFrame:
    """List the readings that are fit to hold: record, ``taken_s``, ``sbp``, ``dbp``, ``map``.

    Takes rows of the ``numerics`` table, of whole records; gives rows in the order of time.
    """
    order = _shown(numerics).filter(plausible()).sort(*RECORD, "taken_s")
    again = pl.all_horizontal(
        (pl.col(p) == pl.col(p).shift()).over(RECORD).fill_null(value=False)
        for p in ("sbp", "dbp", "map")
    )
    of_known_age = order.filter(~again, pl.col("taken_s") > pl.col("first_s"))
    return _not_alone(of_known_age.drop("first_s"))


def _shown(numerics: pl.LazyFrame) -> pl.DataFrame:
    """Put what a cuff showed at one moment into a row, with the record's first moment."""
    first = numerics.group_by(RECORD).agg(first_s=pl.col("start_s").min())
    cuff = numerics.filter(
        pl.col("quantity").is_in(list(_PARTS)),
        pl.col("unit").str.strip_chars().str.to_lowercase() == "mmhg",
        pl.col("value").is_finite(),
    )
    parts = [
        pl.col("value").filter(pl.col("quantity") == quantity).first().cast(pl.Float32).alias(name)
        for quantity, name in _PARTS.items()
    ]
    moments = cuff.group_by(*RECORD, "start_s").agg(parts).rename({"start_s": "taken_s"})
    return moments.join(first, on=RECORD).collect()


def _not_alone(readings: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is far from the others of its half hour; takes and gives rows in order."""
    parts = [
        record.filter(~pl.Series(_alone(record["taken_s"].to_numpy(), record["map"].to_numpy())))
        for record in readings.partition_by(RECORD, maintain_order=True)
    ]
    return pl.concat([readings.clear(), *parts])


def _alone(taken_s: NDArray[np.float64], mean: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say of (n,) readings in order whether each is far from others of its half hour."""
    at = np.arange(len(taken_s))
    first = np.maximum(np.searchsorted(taken_s, taken_s - NEAR_S), at - MOST_NEAR)
    end = np.minimum(np.searchsorted(taken_s, taken_s + NEAR_S, side="right"), at + 1 + MOST_NEAR)
    alone = np.zeros(len(taken_s), np.bool_)
    for i in np.flatnonzero(end - first > ENOUGH_NEAR):
        others = np.concatenate([mean[first[i] : i], mean[i + 1 : end[i]]])
        alone[i] = abs(mean[i] - np.median(others)) > ALONE_MMHG
    return alone
