"""What lies nearest in time within one record."""

from typing import Final

import polars as pl
from polars._typing import AsofJoinStrategy

RECORD: Final = ["dataset", "record_id"]


def beside_in_time(
    rows: pl.DataFrame,
    others: pl.DataFrame,
    at: str,
    other_at: str,
    *,
    strategy: AsofJoinStrategy = "nearest",
    within_s: float | None = None,
) -> pl.DataFrame:
    """Put the other row of the record beside each row that is nearest in time, null without one.

    Args:
        rows: sorted by ``at``.
        others: sorted by ``other_at``.
        at: the column of ``rows`` that tells the time in s.
        other_at: that of ``others``.
        strategy: ``backward`` looks at what is no later, ``forward`` at what is no earlier.
        within_s: how far away the other may be.
    """
    return rows.join_asof(
        others,
        left_on=at,
        right_on=other_at,
        by=RECORD,
        strategy=strategy,
        tolerance=within_s,
        check_sortedness=False,  # it can't be checked by group
    )
