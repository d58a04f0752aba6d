"""What pressures were made, what they were calibrated by, and where none was told."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from ops.report.axes import Axes
from ops.report.svg import line, picture, rect, text
from ops.report.words import CALIBRATIONS_SHORT, between, figure
from schemas.restoration import CALIBRATIONS, PRESSURES

_SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
MEASURED: Final = "measured"
NOT_TOLD: Final = "not told"
"""What calibrated rows that an older version wrote."""

_ROW: Final = 34
_AXES: Final = Axes(width=320, height=0, left=64, right=10, top=12, bottom=30)


@dataclass(frozen=True)
class PressureRow:
    """Pressures of one kind: windows, subjects and, by pressure, quantiles and median width."""

    kind: str
    windows: int
    subjects: int
    reference_age_s: float | None
    quantiles: dict[str, list[float]]
    widths: dict[str, float | None]


def pressure_rows(windows: pl.LazyFrame, backfill: pl.LazyFrame) -> list[PressureRow]:
    """Count measured pressures, and those made where no line was, by what calibrated them.

    Bounds are those that the model shipped with.
    """
    measured = windows.filter(pl.col("sbp").is_not_null()).select(
        pl.lit(MEASURED).alias("kind"), "dataset", "subject_id", *PRESSURES
    )
    made = backfill.filter(
        pl.col("modality") == "abp", pl.col("task") == "translate", pl.col("sbp").is_not_null()
    ).with_columns(kind=pl.col("calibration").fill_null(NOT_TOLD))
    rows = [
        *_summed(measured, widths=False).to_dicts(),
        *_summed(made, widths=True).to_dicts(),
    ]
    order = (MEASURED, *CALIBRATIONS, NOT_TOLD)
    return [_row(row) for row in sorted(rows, key=lambda row: order.index(row["kind"]))]


def _summed(rows: pl.LazyFrame, *, widths: bool) -> pl.DataFrame:
    quantiles = [pl.col(p).quantile(q).alias(f"{p}_{q}") for p in PRESSURES for q in _SHARES]
    wide = [
        (pl.col(f"{p}_upper") - pl.col(f"{p}_lower")).median().alias(f"{p}_width")
        for p in PRESSURES
    ]
    told = [*wide, pl.col("reference_age_s").median()] if widths else []
    subjects = pl.struct("dataset", "subject_id").n_unique().alias("subjects")
    return (
        rows.group_by("kind").agg(pl.len().alias("windows"), subjects, *quantiles, *told).collect()
    )


def _row(row: dict[str, Any]) -> PressureRow:
    return PressureRow(
        **{name: row[name] for name in ("kind", "windows", "subjects")},
        reference_age_s=row.get("reference_age_s"),
        quantiles={p: [row[f"{p}_{q}"] for q in _SHARES] for p in PRESSURES},
        widths={p: row.get(f"{p}_width") for p in PRESSURES},
    )


def spread(rows: list[PressureRow], pressure: str) -> Markup:
    """Draw the middle 50 % and 90 % of one pressure by kind; what is made is dashed."""
    values = [x for row in rows for x in row.quantiles[pressure]]
    axes = _AXES.over(min(values) - 5, max(values) + 5, len(rows) * _ROW)
    drawn = [mark for i, row in enumerate(rows) for mark in _spread(row, pressure, axes, i)]
    told = "; ".join(_told(row, pressure) for row in rows)
    return picture(
        *(axes.width, axes.height, f"spread-{pressure}", f"{pressure.upper()} by its source"),
        told,
        *axes.x_ticks("mmHg"),
        *drawn,
        class_="chart",
    )


def _spread(row: PressureRow, pressure: str, axes: Axes, i: int) -> list[Markup]:
    y = axes.top + (i + 0.5) * _ROW
    low, lower, middle, upper, high = (axes.x(value) for value in row.quantiles[pressure])
    kind = "measured" if row.kind == MEASURED else "synthetic"
    return [
        text(axes.left - 8, y + 4, CALIBRATIONS_SHORT.get(row.kind, row.kind), "end"),
        line(low, y, high, y, kind),
        rect(lower, y - 7, upper - lower, 14, f"box {kind}"),
        line(middle, y - 10, middle, y + 10, f"middle {kind}"),
    ]


def _told(row: PressureRow, pressure: str) -> str:
    low, lower, middle, upper, high = row.quantiles[pressure]
    kind = row.kind if row.kind == MEASURED else f"synthetic, calibrated by {row.kind}"
    half, most = between(lower, upper, 0), between(low, high, 0)
    return f"{kind}: median {figure(middle, 0)}, half of them {half}, nine in ten {most} mmHg"


def made_by_kind(backfill: pl.LazyFrame) -> pl.DataFrame:
    """Count what was made and where nothing was told, by modality, task and model."""
    key = ["modality", "task", "model_id"]
    told = pl.col("grade") != "absent"
    counts = [told.sum().alias("made"), (~told).sum().alias("abstained")]
    return backfill.group_by(key).agg(counts).collect().sort(key)


def abstentions(backfill: pl.LazyFrame) -> pl.DataFrame:
    """Count the windows of each reason to say nothing, the most frequent first."""
    key = ["modality", "task", "reason"]
    silent = backfill.filter(pl.col("grade") == "absent").with_columns(
        reason=pl.col("abstained").fill_null(NOT_TOLD)
    )
    counted = silent.group_by(key).agg(pl.len().alias("windows")).collect()
    return counted.sort("windows", *key, descending=[True, False, False, False])
