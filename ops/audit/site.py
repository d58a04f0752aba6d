"""Conformal correction of a site's intervals by its own audit, each subject counting alike.

The calibrating half alone has a say, for each model, calibration and pressure on its own:

1. value and bounds move by the mean over subjects of what the line read beyond what was told;
2. the bounds then move outward (inward where negative) by a conformal quantile of how far the truth
   lay beyond them, each subject's windows having been moved by the *other* subjects' mean (the
   jackknife of Barber et al. 2021, Ann Stat 49:486), so that no subject's own level hides there.

The quantile is `ops.judge.conformal.new_group_quantile`.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.audit.told import told_of
from ops.judge.conformal import new_group_quantile
from schemas.restoration import LEVEL, PRESSURES

LEAST_SUBJECTS: Final = 10
"""One left out of ten is outside its fellows' range at most every tenth time; of fewer, more often,
and no quantile of what was seen can be known to hold 90 %."""

KEY: Final = ["dataset", "spec_sha256", "calibration"]

SCHEMA: Final = {
    "dataset": pl.String,
    "spec_sha256": pl.String,
    "calibration": pl.String,
    "pressure": pl.String,
    "shift_mmhg": pl.Float32,
    "outward_mmhg": pl.Float32,
    "subjects": pl.Int32,
    "windows": pl.Int32,
    "correction": pl.String,
}
"""One row a key and pressure: what to add to value and bounds, by how much the bounds then go
outward, the calibrating subjects and windows that this rests on, and ``site`` or, where they are
too few, ``shipped``."""

F64 = NDArray[np.float64]


def site_corrections(audited: pl.DataFrame) -> pl.DataFrame:
    """Find the corrections (``SCHEMA``) that audited windows, one row a window, come to."""
    rows = [
        (*key, pressure, *_correction(_calibrating(group), pressure))
        for key, group in audited.group_by(KEY, maintain_order=True)
        for pressure in PRESSURES
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row").sort(KEY, maintain_order=True)


def _calibrating(audited: pl.DataFrame) -> pl.DataFrame:
    return audited.filter(pl.col("half") == "calibrates", pl.col("abstained").is_null())


def _correction(rows: pl.DataFrame, p: str) -> tuple[float, float, int, int, str]:
    subjects = rows["subject_id"].n_unique()
    if subjects < LEAST_SUBJECTS:
        return 0.0, 0.0, subjects, rows.height, "shipped"
    value, lower, upper, true, groups = told_of(rows, p)
    shift, others_shift = _shifts(true.astype(np.float64) - value, groups)
    beyond = np.maximum(lower + others_shift - true, true - upper - others_shift)
    return shift, new_group_quantile(beyond, groups, LEVEL), subjects, rows.height, "site"


def _shifts(short: F64, groups: NDArray[np.str_]) -> tuple[float, F64]:
    """Give the mean over subjects of what was missing (N,), and each window's without its own."""
    _, index, count = np.unique(groups, return_inverse=True, return_counts=True)
    means = np.bincount(index, short) / count
    others = (means.sum() - means) / (means.size - 1)
    return float(means.mean()), others[index]


def corrected(pressures: pl.LazyFrame, corrections: pl.DataFrame) -> pl.LazyFrame:
    """Move ``sbp``, ``dbp`` and ``map`` with their bounds by the site's corrections.

    Adds ``correction`` (``site`` or ``shipped``) and ``correction_subjects``, the calibrating
    subjects there were, 0 without an audit; both are null where no pressure is told.
    """
    moves = _a_row_a_key(corrections).lazy()
    joined = pressures.join(moves, on=KEY, how="left", maintain_order="left")
    told = pl.col("sbp").is_not_null()
    return joined.with_columns(
        *(moved for p in PRESSURES for moved in _moved(p)),
        correction=pl.when(told).then(pl.col("_site_correction").fill_null("shipped")),
        correction_subjects=pl.when(told).then(pl.col("_site_subjects").fill_null(0)),
    ).drop(moves.collect_schema().names()[len(KEY) :])


def _a_row_a_key(corrections: pl.DataFrame) -> pl.DataFrame:
    moves = [
        pl.col(f"{move}_mmhg").filter(pl.col("pressure") == p).first().alias(f"_site_{p}_{move}")
        for p in PRESSURES
        for move in ("shift", "outward")
    ]
    correction = pl.col("correction").first().alias("_site_correction")
    return corrections.group_by(KEY).agg(
        *moves, correction, pl.col("subjects").min().alias("_site_subjects")
    )


def _moved(p: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Move value and bounds; a bound that goes inward stops at the value, null stays null."""
    shift = pl.col(f"_site_{p}_shift").fill_null(0)
    outward = pl.col(f"_site_{p}_outward").fill_null(0)
    value, lower, upper = pl.col(p) + shift, pl.col(f"{p}_lower"), pl.col(f"{p}_upper")
    low = pl.min_horizontal(lower + shift - outward, value)
    high = pl.max_horizontal(upper + shift + outward, value)
    return (
        value,
        pl.when(lower.is_not_null()).then(low).alias(f"{p}_lower"),
        pl.when(upper.is_not_null()).then(high).alias(f"{p}_upper"),
    )
