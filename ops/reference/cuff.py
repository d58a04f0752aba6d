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

They are looked at in this order, and what one rule has left out no later one sees.
"""

from typing import Final

import polars as pl

from ops.reference.plausible import plausible

NEAR_S: Final = 1800.0
ENOUGH_NEAR: Final = 3
ALONE_MMHG: Final = 40.0

_RECORD: Final = ["dataset", "record_id"]
_PARTS: Final = {"nbp_systolic": "sbp", "nbp_diastolic": "dbp", "nbp_mean": "map"}


def cuff_readings(numerics: pl.LazyFrame) -> pl.DataFrame:
    """List the readings that are fit to hold: record, ``taken_s``, ``sbp``, ``dbp``, ``map``.

    Takes rows of the ``numerics`` table, of whole records; gives rows in the order of time.
    """
    shown = _shown(numerics)
    believed = shown.filter(plausible(), pl.col("taken_s") > pl.col("first_s"))
    order = believed.sort(*_RECORD, "taken_s").drop("first_s")
    again = pl.all_horizontal(
        (pl.col(p) == pl.col(p).shift()).over(_RECORD).fill_null(value=False)
        for p in ("sbp", "dbp", "map")
    )
    return _not_alone(order.filter(~again))


def _shown(numerics: pl.LazyFrame) -> pl.DataFrame:
    """Put what a cuff showed at one moment into a row, with the record's first moment."""
    first = numerics.group_by(_RECORD).agg(first_s=pl.col("start_s").min())
    cuff = numerics.filter(
        pl.col("quantity").is_in(list(_PARTS)),
        pl.col("unit").str.strip_chars().str.to_lowercase() == "mmhg",
        pl.col("value").is_finite(),
    )
    parts = [
        pl.col("value").filter(pl.col("quantity") == quantity).first().cast(pl.Float32).alias(name)
        for quantity, name in _PARTS.items()
    ]
    moments = cuff.group_by(*_RECORD, "start_s").agg(parts).rename({"start_s": "taken_s"})
    return moments.join(first, on=_RECORD).collect()


def _not_alone(readings: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is far from the others of its half hour."""
    others = readings.select(*_RECORD, near_s="taken_s", near_map="map")
    pairs = readings.join(others, on=_RECORD).filter(
        (pl.col("near_s") - pl.col("taken_s")).abs().is_between(0, NEAR_S, closed="right")
    )
    usual = pairs.group_by(*_RECORD, "taken_s").agg(n=pl.len(), usual=pl.col("near_map").median())
    far = (pl.col("map") - pl.col("usual")).abs() > ALONE_MMHG
    judged = readings.join(usual, on=[*_RECORD, "taken_s"], how="left")
    alone = (far & (pl.col("n") >= ENOUGH_NEAR)).fill_null(value=False)
    return judged.filter(~alone).select(readings.columns).sort(*_RECORD, "taken_s")
