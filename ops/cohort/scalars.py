"""Each pressure and bound of a window as a row of its own, and who is who in what takes numbers."""

import hashlib
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


def persons(rows: pl.LazyFrame) -> pl.DataFrame:
    """Number the subjects from 1 in the order of their names; the numbers hold in one export."""
    ordered = rows.select(SUBJECT).unique().sort(SUBJECT).collect()
    return ordered.with_row_index("person_id", offset=1).cast({"person_id": pl.Int64})


def hashed_subjects(rows: pl.LazyFrame) -> pl.DataFrame:
    """Give each subject an Int64 by its names alone, the same in every export.

    Raises:
        ValueError: where two subjects come to the same number.
    """
    ordered = rows.select(SUBJECT).unique().sort(SUBJECT).collect()
    numbers = pl.Series("number", [hashed(*names) for names in ordered.rows()], dtype=pl.Int64)
    if numbers.n_unique() < ordered.height:
        message = f"two of {ordered.height} subjects come to the same number: export them apart"
        raise ValueError(message)
    return ordered.with_columns(numbers)


def hashed(dataset: str, subject_id: str) -> int:
    """Take the first 63 bits of the SHA-256 of both names, on lines of their own."""
    digest = hashlib.sha256(f"{dataset}\n{subject_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
