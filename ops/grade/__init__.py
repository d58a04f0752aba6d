"""Grades of windows: how fit each signal is, by documented indexes and rules.

``good`` is fit to be truth, ``fair`` fit to condition on, ``bad`` there and not fit, ``absent`` not
there. Each row depends on its own window alone. ``ops.grade.rules`` holds every threshold.

Shapes: N windows, T samples.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.grade import scoring
from ops.grade.agreement import agreement, confirmed
from ops.grade.indexes import IN_MMHG, modality_indexes
from ops.grade.rules import FAIR
from schemas.modality import MODALITIES, UNCALIBRATED, Modality

GRADER_VERSION: Final = "2"
"""A new version grades every window again."""

__all__ = ["GRADER_VERSION", "grade_windows", "window_indexes"]

Rows = NDArray[np.float32]
Units = NDArray[np.str_] | Sequence[str | None]


def window_indexes(
    signals: Mapping[Modality, Rows],
    units: Mapping[Modality, Units],
    steps: Mapping[Modality, Rows],
) -> pl.DataFrame:
    """Compute each index as ``{modality}_{index}``, N rows, from the arguments of a grading.

    Columns are Float32, null where untold or absent, but for ``{m}_there`` and ``{m}_calibrated``.
    """
    columns: dict[str, NDArray[Any]] = {}
    for m in MODALITIES:
        found = _indexes(m, signals[m], units[m], steps[m])
        columns |= {f"{m}_{name}": values for name, values in found.items()}
    return pl.DataFrame(columns, nan_to_null=True)


def grade_windows(
    signals: Mapping[Modality, Rows],
    units: Mapping[Modality, Units],
    steps: Mapping[Modality, Rows],
) -> pl.DataFrame:
    """Grade N windows: the grading columns of ``schemas.windows.Window``.

    ``signals`` are (N, T) in their ``units``, NaN missing, a row of NaN absent; the unit ``NU`` is
    uncalibrated. ``steps`` (N,) are the quantisation steps in the same unit, NaN where unknown.
    Heart rates are told of signals that are good or fair, and of those bad by noise alone whose
    rate one of the others confirms; pressures of ABP that is good or fair. Else they are null.
    """
    indexes = {m: _indexes(m, signals[m], units[m], steps[m]) for m in MODALITIES}
    alone = {m: scoring.score(m, indexes[m]) for m in MODALITIES}
    fit_rates = {m: _where_fit(alone[m], indexes[m]["heart_rate"]) for m in MODALITIES}
    agrees = agreement(fit_rates)
    columns: dict[str, NDArray[Any]] = {}
    for m in MODALITIES:
        there = indexes[m]["there"]
        sqi = scoring.with_agreement(alone[m], agrees[m])
        columns[f"{m}_missing"] = np.where(there, indexes[m]["missing"], np.float32(1))
        columns[f"{m}_grade"] = scoring.grade(sqi, there)
        columns[f"{m}_sqi"] = np.where(there, sqi, np.float32(0))
    noisy_rates = {
        m: np.where(scoring.faulty(m, indexes[m]), np.float32(np.nan), indexes[m]["heart_rate"])
        for m in MODALITIES
    }
    rates = confirmed(noisy_rates, fit_rates)
    columns |= {f"hr_{m}": rates[m] for m in MODALITIES}
    for pressure in ("sbp", "dbp", "map"):
        columns[pressure] = _where_fit(alone["abp"], indexes["abp"][pressure])
    return pl.DataFrame(columns, nan_to_null=True)


def _indexes(modality: Modality, signal: Rows, units: Units, step: Rows) -> dict[str, NDArray[Any]]:
    there = np.asarray(np.isfinite(signal).any(axis=1))
    calibrated = np.array([unit or UNCALIBRATED for unit in units], np.str_) != UNCALIBRATED
    found = modality_indexes(
        np.asarray(signal, np.float32)[there], modality, np.asarray(step, np.float32)[there]
    )
    columns: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        columns[name] = np.full(len(there), np.nan, np.float32)
        columns[name][there] = values
        if name in IN_MMHG:
            columns[name][~calibrated] = np.nan
    return columns | {"there": there, "calibrated": calibrated}


def _where_fit(sqi: Rows, values: Rows) -> Rows:
    """Values (N,) of a signal that is good or fair, else NaN; agreement takes none below fair."""
    return np.where(sqi >= np.float32(FAIR), values, np.float32(np.nan))
