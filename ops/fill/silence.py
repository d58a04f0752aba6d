"""Where a model should not speak of a pressure that it would make, and why.

=================  =================================================================================
reason             where
=================  =================================================================================
``conditions``     no heart rate can be told from any condition, or more than a fifth of each is
                   missing
``range``          heart rate, or systole or diastole of the reading, lies outside what the model
                   was trained on
``reference_age``  the reading was taken too long before the window, or after it
=================  =================================================================================

The first that holds is told. A modality that is mended has its own samples to go by, and the rules
of ``ops.fill.rules``.
"""

from typing import Final

import polars as pl

from schemas.modality import MODALITIES
from schemas.restoration import Range, Trained

MOST_MISSING: Final = 0.2


def silence(trained: Trained, most_age_s: float) -> pl.Expr:
    """Name why a window has no answer, null where it has one.

    Takes rows of ``windows`` with what is wanted of them, ``task``, ``modality``, ``conditions``,
    and their reading.
    """
    rate = condition_rate()
    beyond = _beyond(rate, trained.hr) | (
        _beyond(pl.col("reference_sbp"), trained.sbp)
        | _beyond(pl.col("reference_dbp"), trained.dbp)
    ).fill_null(value=False)
    made = (pl.col("task") == "translate") & (pl.col("modality") == "abp")
    return (
        pl.when(~made)
        .then(None)
        .when(rate.is_null() | _poor())
        .then(pl.lit("conditions"))
        .when(beyond)
        .then(pl.lit("range"))
        .when(pl.col("reference_age_s").abs() > most_age_s)
        .then(pl.lit("reference_age"))
    )


def condition_rate() -> pl.Expr:
    """Give the heart rate of the first condition that tells one, in beats/min; null without."""
    return pl.coalesce(pl.when(_given(m)).then(pl.col(f"hr_{m}")) for m in MODALITIES)


def _given(m: str) -> pl.Expr:
    return pl.col("conditions").list.contains(m)


def _poor() -> pl.Expr:
    return pl.all_horizontal(
        ~_given(m) | (pl.col(f"{m}_missing") > MOST_MISSING) for m in MODALITIES
    )


def _beyond(value: pl.Expr, usual: Range) -> pl.Expr:
    low, high = usual
    return (value < low) | (value > high)
