"""How good the signals were, by care unit and modality."""

from dataclasses import dataclass
from typing import Final

import polars as pl
from markupsafe import Markup

from ops.report.svg import picture, rect
from ops.report.words import MODALITIES_TOLD, count, share
from schemas.modality import GRADES, MODALITIES

MOST_PLACES: Final = 12
OTHERS: Final = "other places"
NOT_GIVEN: Final = "unit not given"

_WIDTH: Final = 1000
_HEIGHT: Final = 20


@dataclass(frozen=True)
class Place:
    """The windows of one modality in one place: a care unit, or a dataset that tells no units."""

    name: str
    grades: dict[str, int]
    bar: Markup

    @property
    def windows(self) -> int:
        """All of them, absent ones too."""
        return sum(self.grades.values())


def grades_by_place(windows: pl.LazyFrame, demographics: pl.LazyFrame) -> pl.DataFrame:
    """Count windows by ``place``, ``modality`` and ``grade``; no signal is read.

    A place is a care unit where the site tells any, else a dataset.
    """
    grades = [f"{m}_grade" for m in MODALITIES]
    counted = windows.group_by("dataset", "record_id", *grades).agg(pl.len().alias("windows"))
    units = demographics.select("dataset", "record_id", "care_unit")
    rows = counted.join(units, on=["dataset", "record_id"], how="left").collect(engine="streaming")
    placed = rows.with_columns(place=_place(rows))
    return (
        placed.unpivot(grades, index=["place", "windows"], variable_name="modality")
        .with_columns(pl.col("modality").str.strip_suffix("_grade"))
        .group_by("place", "modality", grade="value")
        .agg(pl.col("windows").sum())
        .sort("place", "modality", "grade")
    )


def _place(rows: pl.DataFrame) -> pl.Expr:
    unit, dataset = pl.col("care_unit").fill_null(NOT_GIVEN), pl.col("dataset")
    if rows["care_unit"].null_count() == rows.height:
        return dataset
    several = rows["dataset"].n_unique() > 1
    return pl.concat_str(dataset, unit, separator=", ") if several else unit


def places_of(graded: pl.DataFrame, modality: str) -> list[Place]:
    """Give the places of one modality, the largest first; beyond twelve they are one."""
    of_modality = graded.filter(pl.col("modality") == modality)
    sizes = of_modality.group_by("place").agg(pl.col("windows").sum())
    names = sizes.sort("windows", "place", descending=[True, False])["place"].to_list()
    shown = names if len(names) <= MOST_PLACES else names[: MOST_PLACES - 1]
    named = of_modality.with_columns(
        pl.when(pl.col("place").is_in(shown)).then("place").otherwise(pl.lit(OTHERS)).alias("place")
    )
    order = [*shown, *([OTHERS] if len(shown) < len(names) else [])]
    return [_placed(named, name, f"grades-{modality}-{i}") for i, name in enumerate(order)]


def _placed(named: pl.DataFrame, name: str, picture_id: str) -> Place:
    rows = named.filter(pl.col("place") == name).group_by("grade").agg(pl.col("windows").sum())
    there = dict(rows.iter_rows())
    grades = {str(grade): int(there.get(grade, 0)) for grade in GRADES}
    modality = MODALITIES_TOLD[picture_id.split("-")[1]]
    return Place(name, grades, stacked_bar(grades, picture_id, f"{modality} in {name}"))


def stacked_bar(grades: dict[str, int], name: str, title: str) -> Markup:
    """Draw grades as one bar, in their order."""
    total = sum(grades.values())
    parts, x = [], 0.0
    for grade, n in grades.items():
        wide = _WIDTH * n / total if total else 0.0
        if n:
            parts.append(rect(x, 0, wide, _HEIGHT, f"grade-{grade}"))
        x += wide
    told = ", ".join(f"{g} {count(n)} ({share(n, total)})" for g, n in grades.items())
    stretched = {"preserveAspectRatio": "none", "class_": "bar"}
    return picture(_WIDTH, _HEIGHT, name, title, told, *parts, **stretched)
