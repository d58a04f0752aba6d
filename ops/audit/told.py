"""Columns of audited rows as arrays.

Shapes: N windows.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.restoration import F32


class Told(NamedTuple):
    """One pressure (N,) as a model told it, with its bounds and the truth, in mmHg, and whose."""

    value: F32
    lower: F32
    upper: F32
    true: F32
    subjects: NDArray[np.str_]


def told_of(rows: pl.DataFrame, pressure: str) -> Told:
    """Take one pressure of the rows that tell it."""
    names = (pressure, f"{pressure}_lower", f"{pressure}_upper", f"true_{pressure}")
    value, lower, upper, true = (rows[name].to_numpy().astype(np.float32) for name in names)
    return Told(value, lower, upper, true, subjects_of(rows))


def subjects_of(rows: pl.DataFrame) -> NDArray[np.str_]:
    """Name the subject of every row; two datasets may use one name for two people."""
    named = rows.select(pl.concat_str("dataset", "subject_id", separator="\n"))
    return named.to_series().to_numpy().astype(np.str_)
