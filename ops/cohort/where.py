"""Which windows a study takes: one SQL condition over the columns of the pressures."""

from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from ops.cohort.pressures import SERIES

_MOST_TOLD: Final = 200


def condition(text: str) -> pl.Expr:
    """Read a condition such as ``map < 65 and care_unit in ('micu', 'sicu')``; empty takes all.

    What averages or counts does so over all windows of the frame that it is put to.

    Raises:
        ValueError: where it is no condition, or names other columns; those there are are told.
    """
    if not text.strip():
        return pl.lit(value=True)
    try:
        expr = pl.sql_expr(text)
        names = expr.meta.root_names()
        unknown = [name for name in names if name not in SERIES]
        if unknown:
            raise _wrong(text, f"there is no column {unknown[0]}")
        one = pl.LazyFrame(schema=SERIES).select(expr)
        if list(one.collect_schema().values()) != [pl.Boolean()]:
            raise _wrong(text, "it is neither true nor false")
        one.collect()
    except PolarsError as error:
        raise _wrong(text, " ".join(str(error).split("\n\n")[0].split())[:_MOST_TOLD]) from error
    return expr


def _wrong(text: str, why: str) -> ValueError:
    message = (
        f"--where takes one SQL condition, got {text!r}: {why}; a time is written TIMESTAMP "
        f"'2130-01-01 00:00:00', and the columns are {', '.join(SERIES)}"
    )
    return ValueError(message)
