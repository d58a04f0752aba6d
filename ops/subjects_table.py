"""A site's own table of its subjects, CSV or Parquet: who they are, as the hospital knows it."""

import io
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from ops.demographics import SUBJECTS, age_of
from ops.subject import plain_subject
from schemas.demographics import PATIENT
from schemas.known_patients import care_unit_of, is_known_group, is_known_tone, sex_of

MOST_BYTES: Final = 512 * 2**20
OLDEST_PATIENT: Final = 90.0
"""Everybody above 89 is of this age where nobody may be named (45 CFR 164.514(b)(2)(i)(C))."""

_UNKNOWN: Final = frozenset(
    {"", "?", "??", "unknown", "unk", "u", "na", "n/a", "nan", "none", "null"}
)
_MAGIC: Final = b"PAR1"


def read_subjects(content: bytes, path: str) -> pl.DataFrame:
    """Read a table of ``subject_id`` and any of ``PATIENT``; other columns are left alone.

    Args:
        content: of the file, which is Parquet where it begins so, else CSV.
        path: of the file, for sentences.

    Returns:
        The columns of ``SUBJECTS``; null where the site does not tell.

    Raises:
        ValueError: naming the file and what is wrong: it is neither, lacks a column, has a value
            that can't be one of its column's, or the same subject twice.
    """
    table = _as_text(content, path)
    columns = [name for name in PATIENT if name in table.columns]
    if "subject_id" not in table.columns or not columns:
        message = (
            f"subjects table {path} needs a column subject_id and at least one of "
            f"{', '.join(PATIENT)}, got {', '.join(table.columns[:20])}"
        )
        raise ValueError(message)
    table = table.select("subject_id", *columns).with_columns(pl.all().str.strip_chars())
    _see_subjects(table["subject_id"], path)
    read = [_values(table[name], path) for name in columns]
    absent = [pl.lit(None, SUBJECTS[name]).alias(name) for name in PATIENT if name not in columns]
    return pl.DataFrame([table["subject_id"], *read]).with_columns(absent).select(*SUBJECTS)


def by_every_name(subjects: pl.DataFrame) -> pl.DataFrame:
    """Repeat a subject under the name that records give it, where the site's own differs."""
    plain = subjects["subject_id"].map_elements(plain_subject, return_dtype=pl.String)
    renamed = subjects.with_columns(plain).filter(plain != subjects["subject_id"])
    return pl.concat([subjects, renamed])


def naming_nobody(subjects: pl.DataFrame, hide: Callable[[str], str]) -> pl.DataFrame:
    """Hide subjects' names and drop what may name somebody: free text, and ages above 90."""
    age = pl.col("age_years")
    return subjects.with_columns(
        pl.col("subject_id").map_elements(hide, return_dtype=pl.String),
        pl.col("care_unit").map_elements(care_unit_of, return_dtype=pl.String),
        pl.when(age > OLDEST_PATIENT - 1).then(OLDEST_PATIENT).otherwise(age).alias("age_years"),
        _where("race", is_known_group),
        _where("skin_tone", is_known_tone),
    )


def _where(name: str, is_known: Callable[[str], bool]) -> pl.Expr:
    return pl.when(pl.col(name).map_elements(is_known, return_dtype=pl.Boolean)).then(pl.col(name))


def _as_text(content: bytes, path: str) -> pl.DataFrame:
    try:
        if content.startswith(_MAGIC):
            table = pl.read_parquet(io.BytesIO(content))
        else:
            table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    except (pl.exceptions.PolarsError, ValueError) as error:
        why = str(error).partition("\n")[0][:120]
        message = f"subjects table {path} is neither Parquet nor CSV: {why}"
        raise ValueError(message) from error
    columns = [name for name in SUBJECTS if name in table.columns]
    return _plain(table, columns, path) if columns else table


def _plain(table: pl.DataFrame, columns: Sequence[str], path: str) -> pl.DataFrame:
    """Turn the columns that are asked for into text, each as its own type writes it."""
    for name in columns:
        dtype = table[name].dtype
        numeric = dtype.is_integer() or (name != "subject_id" and dtype.is_float())
        if not numeric and dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
            message = f"subjects table {path}: column {name} must be text or numbers, got {dtype}"
            raise ValueError(message)
    return table.with_columns(pl.col(columns).cast(pl.String))


def _see_subjects(subjects: pl.Series, path: str) -> None:
    """See that every row names a subject, and no two the same."""
    empty = subjects.is_null() | (subjects == "")
    if empty.any():
        row = int(empty.arg_true()[0]) + 1
        message = f"subjects table {path}: row {row} has no subject_id"
        raise ValueError(message)
    names = subjects.map_elements(plain_subject, return_dtype=pl.String)
    if names.is_duplicated().any():
        twice = subjects.filter(names.is_duplicated())[0]
        message = f"subjects table {path} has subject {twice} more than once"
        raise ValueError(message)


def _values(column: pl.Series, path: str) -> pl.Series:
    """Read a column's values by its name, each kind of text once."""
    words = column.unique().drop_nulls().to_list()
    read = {word: _READ[column.name](word) for word in words if word.lower() not in _UNKNOWN}
    wrong = next((word for word in read if read[word] is None), None)
    if wrong is not None:
        message = f"subjects table {path}: column {column.name} can't hold {wrong[:40]!r}"
        raise ValueError(message)
    told = [read.get(word) if word is not None else None for word in column.to_list()]
    return pl.Series(column.name, told, dtype=SUBJECTS[column.name])


_READ: Final[dict[str, Callable[[str], str | float | None]]] = {
    "care_unit": lambda text: care_unit_of(text) or text,
    "sex": sex_of,
    "age_years": age_of,
    "race": str,
    "skin_tone": str,
}
