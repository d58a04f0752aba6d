"""Stored counts as lists in physical units, lazily: what is not selected is not read."""

from typing import Final

import polars as pl

from schemas.grid import MISSING
from schemas.modality import MODALITIES, UNITS

BAND: Final = ("samples", "lower", "upper")
"""The signals of a synthetic row, all of one scale."""

_OBSERVED: Final = pl.when(pl.element() != MISSING).then(pl.element())


def windows_in_units(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give ECG in mV, PPG in NU and ABP in mmHg, null in samples that are missing.

    A signal whose calibration is unknown is null, and its ``{m}_unit`` says ``NU``: an ECG or ABP
    in counts is no ECG in mV.
    """
    calibrated = {
        m: pl.when(pl.col(f"{m}_unit") == UNITS[m]).then(_physical(m, f"{m}_scale", f"{m}_zero"))
        for m in MODALITIES
    }
    stored = [f"{m}_{part}" for m in MODALITIES for part in ("scale", "zero")]
    return rows.with_columns(**calibrated).drop(stored)


def backfill_in_units(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give synthetic signals and their bands in ``unit``; null where the model abstained."""
    physical = {part: _physical(part, "scale", "zero") for part in BAND}
    return rows.with_columns(**physical).drop("scale", "zero")


def _physical(counts: str, scale: str, zero: str) -> pl.Expr:
    observed = pl.col(counts).list.eval(_OBSERVED).cast(pl.List(pl.Float32))
    return observed * pl.col(scale) + pl.col(zero)
