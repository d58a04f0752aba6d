"""What is attempted for a window, and from which conditions.

One table, read from the top; the first rule that holds for a target decides.

==========  ==================================================  ===================================
task        the target                                          conditions
==========  ==================================================  ===================================
translate   is absent, or over 60 % missing, or is ABP that is  good or fair, one at least
            bad by a fault, or without a pulse (``hr_abp``)
impute      has 2 to 60 % missing, and the rest is good or      itself, with any that is good or
            fair                                                fair
denoise     is bad, and at most 60 % missing                    itself, with any that is good or
                                                                fair
==========  ==================================================  ===================================

A window that reaches beyond its record's end is left alone (``ops.fill.plan.whole_windows``).
Translation is for the modalities that the run asks for (by default ABP alone); where a target is
to be translated by this table and the run does not ask for it, nothing is attempted. ABP is not
denoised or imputed where its unit is unknown: a pressure without a unit is none.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from schemas.modality import MODALITIES, UNCALIBRATED, Modality

RULES_VERSION: Final = "2"
LEAST_MISSING: Final = 0.02
MOST_MISSING: Final = 0.60

KEY: Final = ["dataset", "record_id", "window_index", "modality", "task"]
COLUMNS: Final = [
    "dataset",
    "record_id",
    "window_index",
    "subject_id",
    "start_s",
    "input_sha256",
    *(f"{m}_{part}" for m in MODALITIES for part in ("grade", "missing", "unit")),
    "hr_abp",
]
"""Columns of ``windows`` that the rules read; none of them is a signal."""


def wanted(
    windows: pl.LazyFrame, *, translate: Sequence[Modality], restore: Sequence[Modality]
) -> pl.LazyFrame:
    """List what the rules ask for.

    ``KEY``, ``subject_id``, ``start_s``, ``conditions`` and ``input_sha256``.
    """
    told = windows.select(COLUMNS)
    attempts = [
        told.select(
            "dataset",
            "record_id",
            "window_index",
            "subject_id",
            "start_s",
            "input_sha256",
            modality=pl.lit(target),
            task=_task(target, translate=target in translate, restore=target in restore),
            conditions=conditions_of(target),
        )
        for target in MODALITIES
    ]
    return pl.concat(attempts).filter(
        pl.col("task").is_not_null()
        & ((pl.col("task") != "translate") | (pl.col("conditions").list.len() > 0))
    )


def _task(target: Modality, *, translate: bool, restore: bool) -> pl.Expr:
    grade, missing = pl.col(f"{target}_grade"), pl.col(f"{target}_missing")
    translatable = (grade == "absent") | (missing > MOST_MISSING)
    if target == "abp":
        translatable |= (grade == "bad") & pl.col("hr_abp").is_null()
    usable = ~translatable
    if target == "abp":
        usable &= pl.col("abp_unit") != UNCALIBRATED
    gaps = usable & (missing >= LEAST_MISSING) & grade.is_in(["good", "fair"])
    noise = usable & (grade == "bad")
    return (
        pl.when(translatable & pl.lit(translate))
        .then(pl.lit("translate"))
        .when(gaps & pl.lit(restore))
        .then(pl.lit("impute"))
        .when(noise & pl.lit(restore))
        .then(pl.lit("denoise"))
    )


def conditions_of(target: Modality) -> pl.Expr:
    """List the modalities that a target may be made from: all others that are good or fair."""
    others = [
        pl.when(pl.col(f"{m}_grade").is_in(["good", "fair"])).then(pl.lit(m))
        for m in MODALITIES
        if m != target
    ]
    return pl.concat_list(others).list.drop_nulls()
