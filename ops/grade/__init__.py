"""Grades of windows: how fit each signal is, by documented indexes and rules.

``good`` is fit to be truth, ``fair`` fit to condition on, ``bad`` there and not fit, ``absent`` not
there. Each row depends on its own window alone. ``ops.grade.rules`` holds every threshold.

Shapes: N windows, T samples.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.grade import rules
from ops.grade.agreement import agreement
from ops.grade.indexes import is_calibrated, modality_indexes
from schemas.modality import MODALITIES, Modality

GRADER_VERSION: Final = "1"
"""A new version grades every window again."""

__all__ = ["GRADER_VERSION", "grade_windows", "window_indexes"]

Rows = NDArray[np.float32]
Units = NDArray[np.str_] | Sequence[str | None]


def window_indexes(
    signals: Mapping[Modality, Rows],
    units: Mapping[Modality, Units],
    steps: Mapping[Modality, Rows],
) -> dict[Modality, pl.DataFrame]:
    """Compute every index, a frame a modality with N rows; all null where the signal is absent."""
    return {m: _indexes(m, signals[m], units[m], steps[m]) for m in MODALITIES}


def grade_windows(
    signals: Mapping[Modality, Rows],
    units: Mapping[Modality, Units],
    steps: Mapping[Modality, Rows],
) -> pl.DataFrame:
    """Grade N windows: the grading columns of ``schemas.windows.Window``.

    ``signals`` are (N, T) in their ``units``, NaN missing, a row of NaN absent; the unit ``NU`` is
    uncalibrated. ``steps`` (N,) are the quantisation steps in the same unit, NaN where unknown.
    """
    indexes = window_indexes(signals, units, steps)
    alone = {m: _sqi(m, frame.with_columns(agrees=True)) for m, frame in indexes.items()}
    agrees = agreement({m: _fit_rate(indexes[m], alone[m]) for m in MODALITIES})
    sqi = {m: _sqi(m, indexes[m].with_columns(agrees=agrees[m])) for m in MODALITIES}
    return pl.concat(
        [*(_graded(m, indexes[m], sqi[m]) for m in MODALITIES), _rates(indexes, sqi)],
        how="horizontal",
    ).pipe(_with_pressures, indexes["abp"])


def _indexes(modality: Modality, signal: Rows, units: Units, step: Rows) -> pl.DataFrame:
    there = np.flatnonzero(np.isfinite(signal).any(axis=1))
    unit = np.array([units[i] or "" for i in there], dtype=np.str_)
    found = modality_indexes(
        np.asarray(signal, np.float32)[there],
        modality,
        is_calibrated(unit),
        np.asarray(step, np.float32)[there],
    )
    position = np.full(len(signal), -1)
    position[there] = np.arange(len(there))
    rows = pl.Series(position).replace(-1, None).cast(pl.UInt32)
    return found.select(pl.all().gather(rows))


def _sqi(modality: Modality, frame: pl.DataFrame) -> pl.Series:
    """Score (N,); null where the signal is absent."""
    there = pl.col("missing").is_not_null()
    return frame.select(pl.when(there).then(rules.score(modality)).alias("sqi"))["sqi"]


def _fit_rate(frame: pl.DataFrame, sqi: pl.Series) -> Rows:
    """Heart rate (N,) of a signal that is good or fair by itself, else NaN."""
    fit = (sqi >= rules.FAIR).fill_null(value=False).to_numpy()
    rate = frame["heart_rate"].fill_null(np.nan).to_numpy()
    return np.where(fit, rate, np.nan).astype(np.float32)


def _graded(modality: Modality, frame: pl.DataFrame, sqi: pl.Series) -> pl.DataFrame:
    graded = pl.when(sqi.is_null()).then(pl.lit("absent")).otherwise(rules.grade(pl.lit(sqi)))
    return frame.select(
        pl.col("missing").fill_null(1).alias(f"{modality}_missing"),
        graded.alias(f"{modality}_grade"),
        pl.lit(sqi.fill_null(0)).alias(f"{modality}_sqi"),
    )


def _rates(
    indexes: Mapping[Modality, pl.DataFrame], sqi: Mapping[Modality, pl.Series]
) -> pl.DataFrame:
    return pl.DataFrame(
        {f"hr_{m}": pl.Series(_fit_rate(indexes[m], sqi[m])).fill_nan(None) for m in MODALITIES}
    )


def _with_pressures(graded: pl.DataFrame, abp: pl.DataFrame) -> pl.DataFrame:
    fit = pl.col("abp_grade").is_in(["good", "fair"])
    told = graded.hstack(abp.select("sbp", "dbp", "map", "calibrated"))
    return told.with_columns(
        pl.when(fit & pl.col("calibrated")).then(pl.col(name)).fill_nan(None).alias(name)
        for name in ("sbp", "dbp", "map")
    ).drop("calibrated")
