"""Each pressure and bound of a window as a row of its own, and who is who in what takes numbers."""

import hashlib
from collections.abc import Sequence
from typing import Final

import polars as pl

from ops.cohort.pressures import TOLD

SUBJECT: Final = ["dataset", "subject_id"]

_F32: Final = pl.Float32

CLOCKED: Final = pl.col("start_time").is_not_null()


def scalars(rows: pl.LazyFrame, *, silent: bool = False) -> pl.LazyFrame:
    """Give a row a pressure or bound that is told (``name``, ``value``), in the order of windows.

    Of one window they come in the order of their names. With ``silent``, a window on which a model
    abstained is a row too, the reason its name and its value null.
    """
    names = sorted(TOLD)
    lists = {"name": pl.lit(pl.Series([names])), "value": pl.concat_list(names)}
    kept = pl.col("value").is_not_null()
    if silent:
        why = pl.col("abstained").is_not_null()
        one = {"name": pl.concat_list("abstained"), "value": pl.concat_list(pl.lit(None, _F32))}
        lists = {c: pl.when(why).then(one[c]).otherwise(lists[c]) for c in lists}
        kept = kept | why
    return rows.with_columns(**lists).drop(names).explode("name", "value").filter(kept)


def hashed_subjects(rows: pl.LazyFrame) -> pl.DataFrame:
    """Give each subject a ``number``, the same in every export.

    Raises:
        ValueError: where two subjects come to the same number.
    """
    ordered = rows.select(SUBJECT).unique().sort(SUBJECT).collect()
    return with_hashes(ordered, SUBJECT, "number", of="subjects")


def with_hashes(rows: pl.DataFrame, by: Sequence[str], name: str, *, of: str) -> pl.DataFrame:
    """Give each row an Int64 by its names alone; the rows are told as ``of`` these.

    Raises:
        ValueError: where two rows come to the same number.
    """
    numbers = pl.Series(name, [hashed(*names) for names in rows.select(by).rows()], dtype=pl.Int64)
    if numbers.n_unique() < rows.height:
        message = f"two of {rows.height} {of} come to the same number: export them apart"
        raise ValueError(message)
    return rows.with_columns(numbers)


def hashed(*names: str) -> int:
    """Take the first 63 bits of the SHA-256 of names, on lines of their own."""
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
