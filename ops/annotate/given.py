"""What is given of a window before an annotator sees it: where its pressure came from.

============  =========================================================  ==========================
source        where                                                      band
============  =========================================================  ==========================
``measured``  the line is good or fair, in mmHg, and tells all three     left open: the annotator
              pressures                                                  says it
``imputed``   else, where the line is not good and a synthetic one is    that of the pressures where
              in the lake with all three pressures, made from the        both bounds of all three
              window as it is                                            have it, else unknown
``none``      else                                                       unknown
============  =========================================================  ==========================

An annotator sees signals alone, and could not tell a measured line from a made one.
"""

import hashlib
from typing import Final

import polars as pl

from ops.cohort.pressures import newest
from schemas.annotation import UNKNOWN, Band, band_of
from schemas.modality import UNITS
from schemas.restoration import PRESSURES

WINDOW: Final = ["dataset", "record_id", "window_index"]
GIVEN: Final = ["pressure_source", "pressure_band"]
"""Slots that may be given; null where they are left open."""

_ENDS: Final = ("", "_lower", "_upper")
_TOLD: Final = [f"{p}{end}" for end in _ENDS for p in PRESSURES]


def with_given(windows: pl.LazyFrame, backfill: pl.LazyFrame) -> pl.DataFrame:
    """List windows with what is given of them; no signal is read.

    ``WINDOW``, ``subject_id``, ``GIVEN``, ``window_sha256`` (of the window's input), and
    ``input_sha256``, which hashes that and what is given.
    """
    told = windows.select(
        *WINDOW, "subject_id", "abp_grade", "input_sha256", measured=_is_measured()
    )
    beside = _imputed_bands(backfill).lazy()
    source = (
        pl.when(pl.col("measured"))
        .then(pl.lit("measured"))
        .when(pl.col("band").is_not_null() & (pl.col("abp_grade") != "good"))
        .then(pl.lit("imputed"))
        .otherwise(pl.lit("none"))
    )
    of_source = {"imputed": pl.col("band"), "none": pl.lit(UNKNOWN)}
    band = pl.coalesce(
        pl.when(pl.col("pressure_source") == name).then(band) for name, band in of_source.items()
    )
    rows = (
        told.join(beside, on=[*WINDOW, "input_sha256"], how="left")
        .with_columns(pressure_source=source)
        .with_columns(pressure_band=band)
        .select(*WINDOW, "subject_id", *GIVEN, window_sha256="input_sha256")
        .collect()
    )
    return rows.with_columns(input_sha256=_hashes(rows))


def _is_measured() -> pl.Expr:
    fit = pl.col("abp_grade").is_in(["good", "fair"]) & (pl.col("abp_unit") == UNITS["abp"])
    return (fit & pl.all_horizontal(pl.col(PRESSURES).is_not_null())).fill_null(value=False)


def _imputed_bands(backfill: pl.LazyFrame) -> pl.DataFrame:
    """Give ``WINDOW``, ``input_sha256`` and ``band`` of windows with a made ABP and pressures."""
    whole = pl.all_horizontal(pl.col(_TOLD).is_not_null())
    made = newest(backfill.filter(pl.col("modality") == "abp", whole))
    rows = made.select(*WINDOW, "input_sha256", *_TOLD).collect()
    bands = [imputed_band(*told) for told in rows.select(_TOLD).iter_rows()]
    return rows.select(*WINDOW, "input_sha256", band=pl.Series(bands, dtype=pl.String))


def imputed_band(*told: float) -> Band:
    """Give the band of SBP, DBP and MAP in mmHg, then their lower and their upper bounds.

    Unknown where they don't all lie in one: what is imputed is known no better.
    """
    bands = {band_of(*told[i : i + 3]) for i in (0, 3, 6)}
    return bands.pop() if len(bands) == 1 else UNKNOWN


def _hashes(rows: pl.DataFrame) -> pl.Series:
    told = rows.select("window_sha256", *GIVEN).iter_rows()
    hashed = [hashlib.sha256("\n".join(w or "" for w in row).encode()).hexdigest() for row in told]
    return pl.Series(hashed, dtype=pl.String)
