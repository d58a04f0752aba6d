"""Who a record's patient is, as its header's comments say.

A comment is free text of the archive. What counts is a key and its value at the line's beginning
and after it, or a key in angle brackets anywhere: ``<age>: 60 <sex>: F``, ``Age: 63``, ``Location:
micu``; and the MIT-BIH databases' own line, ``69 M 1085 1629 x1``. Whatever is not a known unit, a
sex (``F`` or ``M``) or an age from 0 to 120 years is unknown.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

import polars as pl

from schemas.demographics import PATIENT
from schemas.known_patients import MOST_YEARS, care_unit_of, sex_of

SUBJECTS: Final = {
    "subject_id": pl.String,
    **{name: pl.Float32 if name == "age_years" else pl.String for name in PATIENT},
}
"""The columns of a table of subjects; null where it does not tell."""

RECORDS_AT_ONCE: Final = 4096
MOST_CHARACTERS: Final = 200
"""Of a comment that are looked at."""

_KEY: Final = r"age|sex|gender|location|(?:care[ _-]?)?unit"
_VALUE: Final = rf" ?[:=] ?(?P<value>[^<>,;:=]*?) ?(?:[,;] ?|$|(?=<)|(?<= )(?=(?:{_KEY}) ?[:=]))"
_PLAIN: Final = re.compile(rf"(?P<key>{_KEY}){_VALUE}", re.IGNORECASE)
_TAGGED: Final = re.compile(rf"<(?P<key>{_KEY})>{_VALUE}", re.IGNORECASE)
_MITDB: Final = re.compile(r"(?P<age>-?\d{1,3}) (?P<sex>[MF?])(?: \d+){2} x\d")
_YEARS: Final = r"(?P<years>\d{1,3}(?:\.\d{1,16})?)\+?(?: ?(?:y|yrs?|years?|yo))?"
_AGE: Final = re.compile(_YEARS, re.IGNORECASE)

_HINT: Final = rf"(?i)(?:^|<)(?:{_KEY})>?\s*[:=]|^-?\d{{1,3}}\s+[MF?]\s"
"""A comment in which this is not found tells nothing."""


class Told(TypedDict):
    """What comments tell; null where they do not."""

    care_unit: str | None
    sex: str | None
    age_years: float | None


def demographics(records: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Tell of every record's patient what is known; a record of which nothing is has no row.

    Args:
        records: ``dataset``, ``record_id``, ``subject_id`` and ``comments`` of each.
        subjects: a site's table, of the columns of ``SUBJECTS``; it goes before the comments.
    """
    said = _said(records)
    beside = (
        records.drop("comments")
        .hstack(said)
        .join(subjects, on="subject_id", how="left", suffix="_of_site", maintain_order="left")
    )
    rows = beside.with_columns(
        pl.coalesce(f"{name}_of_site", name).alias(name) for name in said.columns
    )
    known = pl.any_horizontal(pl.col(PATIENT).is_not_null())
    return rows.filter(known).select("dataset", "record_id", *SUBJECTS)


def _said(records: pl.DataFrame) -> pl.DataFrame:
    """Read the comments of some records at a time, which bounds what is held of them."""
    hints = pl.element().filter(pl.element().str.contains(_HINT))
    columns = {name: SUBJECTS[name] for name in Told.__annotations__}
    parts = [pl.DataFrame(schema=columns)]
    for some in records.iter_slices(RECORDS_AT_ONCE):
        comments = some.select(pl.col("comments").list.eval(hints).fill_null([]))["comments"]
        told = [told_by_comments(lines) for lines in comments.to_list()]
        parts.append(pl.DataFrame(told, schema=columns))
    return pl.concat(parts)


def told_by_comments(comments: Iterable[str]) -> Told:
    """Read unit, sex and age; of two that differ the first counts."""
    told: Told = {"care_unit": None, "sex": None, "age_years": None}
    for comment in comments:
        for key, value in _pairs(" ".join(comment[:MOST_CHARACTERS].split())):
            if key == "age" and told["age_years"] is None:
                told["age_years"] = age_of(value)
            elif key in ("sex", "gender") and told["sex"] is None:
                told["sex"] = sex_of(value) if sex_of(value) in ("F", "M") else None
            elif key.endswith(("unit", "location")) and told["care_unit"] is None:
                told["care_unit"] = care_unit_of(value)
    return told


def age_of(text: str) -> float | None:
    """Read an age in years (``63``, ``63 years``, ``90+``); null where it is none, or above 120."""
    found = _AGE.fullmatch(text.strip())
    years = float(found["years"]) if found else None
    return None if years is None or years > MOST_YEARS else years


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Give the keys of a line, in lower case, and their values."""
    old = _MITDB.match(line)
    if old:
        yield from (("age", old["age"]), ("sex", old["sex"]))
    at = 0
    while found := _PLAIN.match(line, at):
        yield found["key"].lower(), found["value"]
        at = found.end()
    for found in _TAGGED.finditer(line):
        yield found["key"].lower(), found["value"]
