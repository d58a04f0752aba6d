"""For whom and when a model errs: the errors of an audit by patient, place, time and pressure."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from ops.audit.told import told_of
from ops.judge.pressure_measures import interval_measures, pressure_measures
from schemas.restoration import PRESSURES

LEAST_SUBJECTS: Final = 10
"""Fewer say little of anybody else: their figures are told, and that they are not ``enough``."""

NOT_GIVEN: Final = "not given"

SCHEMA: Final = {
    "kind": pl.String,
    "stratum": pl.String,
    "pressure": pl.String,
    "windows": pl.Int32,
    "subjects": pl.Int32,
    "enough": pl.Boolean,
    "abstained": pl.Int32,
    "me": pl.Float64,
    "sd": pl.Float64,
    "mae": pl.Float64,
    "mae_low": pl.Float64,
    "mae_high": pl.Float64,
    "coverage": pl.Float64,
    "coverage_low": pl.Float64,
    "coverage_high": pl.Float64,
}
"""``windows`` and ``subjects`` are those with a pressure, ``abstained`` windows those without.

Bounds of few subjects are null."""


def _bucket(column: str, edges: dict[float, str], last: str) -> pl.Expr:
    """Name what lies below each edge, the least first, and what lies below none."""
    chosen: pl.Expr = pl.lit(last)
    for edge, name in reversed(edges.items()):
        chosen = pl.when(pl.col(column) < edge).then(pl.lit(name)).otherwise(chosen)
    return pl.when(pl.col(column).is_not_null()).then(chosen)


def _age_of_reference() -> pl.Expr:
    """Name how old the reading was; what is ``later`` was not there yet when it was needed."""
    age = pl.col("reference_age_s")
    return (
        pl.when(age < 0)
        .then(pl.lit("later"))
        .when(age <= 900)
        .then(pl.lit("up to 15 min"))
        .when(age <= 3600)
        .then(pl.lit("up to 1 h"))
        .when(age <= 14400)
        .then(pl.lit("up to 4 h"))
        .when(age > 14400)
        .then(pl.lit("above 4 h"))
        .otherwise(pl.lit("no reference"))
    )


_HR: Final = {60.0: "below 60", 100.0: "60 to 100"}
_MAP: Final = {65.0: "below 65", 80.0: "65 to 80", 100.0: "80 to 100"}
_AGE: Final = {18.0: "below 18", 40.0: "18 to 40", 65.0: "40 to 65", 80.0: "65 to 80"}

KINDS: Final[dict[str, tuple[pl.Expr, tuple[str, ...]]]] = {
    "model_id": (pl.col("model_id"), ()),
    "dataset": (pl.col("dataset"), ()),
    "care_unit": (pl.col("care_unit"), ()),
    "calibration": (pl.col("calibration"), ("cuff", "line", "none")),
    "reference_age": (
        _age_of_reference(),
        ("up to 15 min", "up to 1 h", "up to 4 h", "above 4 h", "later", "no reference"),
    ),
    "hr": (_bucket("hr", _HR, "100 and above"), (*_HR.values(), "100 and above")),
    "true_map": (_bucket("true_map", _MAP, "100 and above"), (*_MAP.values(), "100 and above")),
    "sex": (pl.col("sex"), ()),
    "age_years": (_bucket("age_years", _AGE, "80 and above"), (*_AGE.values(), "80 and above")),
    "race": (pl.col("race"), ()),
    "skin_tone": (pl.col("skin_tone"), ()),
}
"""How a row's stratum is found, and the order of strata that are not in the alphabet's."""


def strata(audited: pl.DataFrame) -> pl.DataFrame:
    """Tell errors and coverage of audited rows by stratum (``SCHEMA``).

    An upper edge is outside its stratum, but for ages of references, which reach up to theirs. A
    kind that no row gives (a skin tone at most sites) is left out.
    """
    return pl.DataFrame(
        [
            row
            for kind in KINDS
            for stratum, rows in _parts(audited, kind)
            for row in _figures(kind, stratum, rows)
        ],
        SCHEMA,
        orient="row",
    )


def _parts(audited: pl.DataFrame, kind: str) -> Iterator[tuple[str, pl.DataFrame]]:
    found, order = KINDS[kind]
    named = audited.with_columns(found.alias("_stratum"))
    there = named["_stratum"].drop_nulls().unique().to_list()
    if not there:
        return
    for name in [name for name in order if name in there] or sorted(there):
        yield name, named.filter(pl.col("_stratum") == name)
    missing = named.filter(pl.col("_stratum").is_null())
    if not missing.is_empty():
        yield NOT_GIVEN, missing


def _figures(kind: str, stratum: str, rows: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    told = rows.filter(pl.col("abstained").is_null())
    for p in PRESSURES:
        of = told_of(told, p)
        errors = pressure_measures(of.value, of.true, of.subjects)
        intervals = interval_measures(of.lower, of.upper, of.true, of.subjects)
        yield (
            *(kind, stratum, p, told.height, errors["groups"]),
            *(errors["groups"] >= LEAST_SUBJECTS, rows.height - told.height),
            *(errors["me"], errors["sd"]),
            *_with_interval(errors["mae"]),
            *_with_interval(intervals["coverage"]),
        )


def _with_interval(mean: dict[str, Any] | None) -> tuple[Any, Any, Any]:
    return (mean["mean"], mean["low"], mean["high"]) if mean else (None, None, None)
