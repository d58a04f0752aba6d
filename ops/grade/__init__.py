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
from ops.grade.indexes import IN_MMHG, modality_indexes
from schemas.modality import MODALITIES, UNCALIBRATED, Modality

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
    """Compute every index, a frame a modality with N rows, for the arguments of ``grade_windows``.

    Columns are Float32, NaN where untold or absent, but for ``there`` and ``calibrated``.
    """
    return {m: _indexes(m, signals[m], units[m], steps[m]) for m in MODALITIES}


def grade_windows(
    signals: Mapping[Modality, Rows],
    units: Mapping[Modality, Units],
    steps: Mapping[Modality, Rows],
) -> pl.DataFrame:
    """Grade N windows: the grading columns of ``schemas.windows.Window``.

    ``signals`` are (N, T) in their ``units``, NaN missing, a row of NaN absent; the unit ``NU`` is
    uncalibrated. ``steps`` (N,) are the quantisation steps in the same unit, NaN where unknown.
    Heart rates and pressures are told of signals that are good or fair, else null.
    """
    indexes = window_indexes(signals, units, steps)
    alone = {
        m: frame.fill_nan(None).select(rules.score(m)).to_series().to_numpy()
        for m, frame in indexes.items()
    }
    agrees = agreement({m: _where_fit(alone[m], indexes[m]["heart_rate"]) for m in MODALITIES})
    sqi = {m: rules.with_agreement(alone[m], agrees[m]) for m in MODALITIES}
    columns: dict[str, Rows] = {}
    for m in MODALITIES:
        there = indexes[m]["there"].to_numpy()
        columns[f"{m}_missing"] = np.where(there, indexes[m]["missing"].to_numpy(), np.float32(1))
        columns[f"{m}_sqi"] = np.where(there, sqi[m], np.float32(0))
        columns[f"{m}_there"] = there
        columns[f"hr_{m}"] = _where_fit(sqi[m], indexes[m]["heart_rate"])
    for pressure in ("sbp", "dbp", "map"):
        columns[pressure] = _where_fit(sqi["abp"], indexes["abp"][pressure])
    return _graded(pl.DataFrame(columns))


def _indexes(modality: Modality, signal: Rows, units: Units, step: Rows) -> pl.DataFrame:
    there = np.asarray(np.isfinite(signal).any(axis=1))
    found = modality_indexes(
        np.asarray(signal, np.float32)[there], modality, np.asarray(step, np.float32)[there]
    )
    calibrated = np.array([unit or UNCALIBRATED for unit in units], np.str_) != UNCALIBRATED
    columns = {name: _scatter(values, there) for name, values in found.items()}
    for name in IN_MMHG & columns.keys():
        columns[name][~calibrated] = np.nan
    return pl.DataFrame({**columns, "there": there, "calibrated": calibrated})


def _scatter(values: Rows, there: NDArray[np.bool_]) -> Rows:
    everywhere = np.full(len(there), np.nan, np.float32)
    everywhere[there] = values
    return everywhere


def _where_fit(sqi: Rows, values: pl.Series) -> Rows:
    """Values (N,) of a signal that is good or fair, else NaN."""
    return np.where(sqi >= rules.FAIR, values.to_numpy(), np.float32(np.nan))


def _graded(columns: pl.DataFrame) -> pl.DataFrame:
    """Name the grades; what is untold turns from NaN to null."""
    per_modality = [
        expression
        for m in MODALITIES
        for expression in (
            pl.col(f"{m}_missing"),
            pl.when(pl.col(f"{m}_there"))
            .then(rules.grade(pl.col(f"{m}_sqi")))
            .otherwise(pl.lit("absent"))
            .alias(f"{m}_grade"),
            pl.col(f"{m}_sqi"),
        )
    ]
    told = pl.col("hr_ecg", "hr_ppg", "hr_abp", "sbp", "dbp", "map").fill_nan(None)
    return columns.select(*per_modality, told)
