"""Pressures by the hour and by subject.

An hour's bounds are the means of its windows' bounds: the errors of one hour come from one
calibration of one patient, so they are taken as one and don't average out. The interval of an hour
is then as wide as that of its windows, and never too narrow for that reason.

Time is that of the clock: where records of one subject overlap, a second counts once, though each
record's windows count. Records without a clock can't be held against each other.
"""

from typing import Final

import polars as pl

from ops.cohort.pressures import TOLD
from schemas.demographics import PATIENT
from schemas.grid import WINDOW_S
from schemas.restoration import ABSTENTIONS, CALIBRATIONS

HOUR_S: Final = 3600.0
LOW_MAP_MMHG: Final = 65.0
_WINDOW_US: Final = round(1e6 * WINDOW_S)

HOUR: Final = ["dataset", "subject_id", "source", "hour_of", "record_id", "hour_start", "hour"]
"""What tells an hour from others.

Where ``hour_of`` is ``clock``, ``hour_start`` is its beginning and the rest null; where it is
``record``, the record has no clock and ``hour`` counts from the record's start.
"""

_THERE: Final = pl.col("sbp").is_not_null()
_LOW: Final = _THERE & (pl.col("map") < LOW_MAP_MMHG)
_MAYBE_LOW: Final = _THERE & (pl.col("map_lower") < LOW_MAP_MMHG)


def hourly(series: pl.LazyFrame) -> pl.LazyFrame:
    """Give a row a subject, source and hour, in their order."""
    clocked = pl.col("start_time").is_not_null()
    of_hour = series.with_columns(
        hour_of=pl.when(clocked).then(pl.lit("clock")).otherwise(pl.lit("record")),
        record_id=pl.when(~clocked).then("record_id"),
        hour_start=pl.col("start_time").dt.truncate("1h"),
        hour=pl.when(~clocked).then((pl.col("start_s") // HOUR_S).cast(pl.Int32)),
    )
    # The last window of an hour may end in the next one.
    share = (pl.col("seconds") / HOUR_S).clip(upper_bound=1.0)
    return (
        of_hour.group_by(HOUR)
        .agg(*_measures(), pl.col("model_id").drop_nulls().unique().sort().str.join("|"))
        .with_columns(
            coverage=share,
            map_below_65_share=(pl.col("map_below_65_s") / pl.col("seconds")).fill_nan(None),
        )
        .drop("seconds")
        .sort(HOUR, nulls_last=True)
    )


def subjects(series: pl.LazyFrame) -> pl.LazyFrame:
    """Give a row a subject and source, in their order."""
    return (
        series.group_by("dataset", "subject_id", "source")
        .agg(
            *(pl.when(pl.col(c).min() == pl.col(c).max()).then(pl.col(c).min()) for c in PATIENT),
            pl.col("record_id").n_unique().alias("n_records"),
            pl.col("start_time").min().alias("first_window"),
            pl.col("start_time").max().alias("last_window"),
            *_measures(),
            pl.col("model_id").drop_nulls().unique().sort().str.join("|"),
        )
        .with_columns(hours=pl.col("seconds") / HOUR_S)
        .drop("seconds")
        .sort("dataset", "subject_id", "source")
    )


def _measures() -> list[pl.Expr]:
    """Means, counts and times that an hour and a subject have alike."""
    return [
        *(pl.col(c).cast(pl.Float64).mean().cast(pl.Float32) for c in TOLD),
        _THERE.sum().cast(pl.Int32).alias("n_windows"),
        _seconds(_THERE).alias("seconds"),
        _seconds(_LOW).alias("map_below_65_s"),
        pl.when(pl.col("map_lower").count() > 0)
        .then(_seconds(_MAYBE_LOW))
        .alias("map_lower_below_65_s"),
        *(_share(pl.col("calibration") == c).alias(f"share_{c}") for c in CALIBRATIONS),
        _share(pl.col("calibration").is_null()).alias("share_restored"),
        pl.col("reference_age_s").filter(_THERE).abs().max().alias("oldest_reference_s"),
        _share(pl.col("correction") == "site").alias("share_site_corrected"),
        pl.col("correction_subjects").min(),
        *(
            (pl.col("abstained") == why).sum().cast(pl.Int32).alias(f"abstained_{why}")
            for why in ABSTENTIONS
        ),
        (pl.col("sbp").is_null() & pl.col("abstained").is_null())
        .sum()
        .cast(pl.Int32)
        .alias("without_pressure"),
    ]


def _seconds(of: pl.Expr) -> pl.Expr:
    """Give the time that the windows of a group fill, what they share once."""
    starts = pl.col("start_time").filter(of)
    # Starts in order: a window fills the time up to the next one, at most its own.
    steps = starts.sort().diff().dt.total_microseconds().clip(upper_bound=_WINDOW_US)
    last = (starts.count() > 0) * WINDOW_S
    unclocked = (of & pl.col("start_time").is_null()).sum() * WINDOW_S
    return steps.sum() / 1e6 + last + unclocked


def _share(of: pl.Expr) -> pl.Expr:
    """Share among the synthetic windows that have a pressure; null where there are none."""
    made = _THERE & (pl.col("source") == "synthetic")
    return (of & made).sum().truediv(made.sum()).fill_nan(None)
