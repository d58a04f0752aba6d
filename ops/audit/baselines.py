"""The model beside what needs no model: the reading held, and the patient's mean.

Shapes: N windows.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.audit.told import subjects_of
from ops.judge.groups import group_mean
from schemas.restoration import PRESSURES

HELD: Final = {"cuff": "last cuff held", "line": "last line held"}
MEAN: Final = "patient mean"
"""Of the truth in the subject's *other* audited windows: nobody can know it, an oracle."""

SCHEMA: Final = {
    "calibration": pl.String,
    "pressure": pl.String,
    "method": pl.String,
    "windows": pl.Int32,
    "subjects": pl.Int32,
    "mae": pl.Float64,
    "mae_low": pl.Float64,
    "mae_high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
}
"""MAE in mmHg over subjects with its 95 % interval, and the model's less the method's, paired by
subject, with its own; the model's row has none. Intervals of few subjects are null."""


def comparison(audited: pl.DataFrame) -> pl.DataFrame:
    """Compare the absolute errors of all methods on the same windows (``SCHEMA``).

    Takes one model's windows, each once; all of one calibration that every method says something
    of. Windows without a reference are compared with the patient's mean alone.
    """
    errors = audited.with_columns(_others_truth(p).alias(f"_mean_{p}") for p in PRESSURES).filter(
        pl.col("abstained").is_null()
    )
    rows = [
        row
        for (calibration,), part in sorted(errors.group_by("calibration"), key=lambda x: str(x[0]))
        for pressure in PRESSURES
        for row in _compared(part, str(calibration), pressure)
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def _others_truth(p: str) -> pl.Expr:
    """Average the subject's other windows; null where there is no other."""
    true, subject = pl.col(f"true_{p}").cast(pl.Float64), ["dataset", "subject_id"]
    others = pl.len().over(subject) - 1
    return pl.when(others > 0).then((true.sum().over(subject) - true) / others)


def _compared(part: pl.DataFrame, calibration: str, p: str) -> list[tuple[object, ...]]:
    methods = {"model": pl.col(p)}
    if calibration in HELD:
        methods[HELD[calibration]] = pl.col(f"reference_{p}")
    methods[MEAN] = pl.col(f"_mean_{p}")
    errors = part.select(
        "dataset",
        "subject_id",
        *((e - pl.col(f"true_{p}")).abs().alias(name) for name, e in methods.items()),
    ).drop_nulls()
    groups = subjects_of(errors)
    of = {name: errors[name].to_numpy().astype(np.float64) for name in methods}
    return [
        (calibration, p, name, errors.height, errors["subject_id"].n_unique())
        + _mean(error, groups)
        + (_mean(of["model"] - error, groups) if name != "model" else (None, None, None))
        for name, error in of.items()
    ]


def _mean(
    values: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[float | None, float | None, float | None]:
    found = group_mean(values, groups)
    return found.mean, found.low, found.high
