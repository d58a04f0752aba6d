"""Plots of Bland and Altman: how far what was told lies from the line, over the whole range."""

from typing import Any, Final

import numpy as np
import polars as pl
from markupsafe import Markup

from ops.report.axes import Axes
from ops.report.svg import element, line, picture, text
from ops.report.words import TOO_FEW, between, count, counted, figure
from schemas.restoration import CALIBRATIONS

MOST_POINTS: Final = 600
_KEY: Final = ["dataset", "record_id", "window_index"]
_BOX: Final = {"width": 320, "height": 260, "left": 32, "right": 52, "top": 24, "bottom": 34}
_LINES: Final = {"upper_limit": "limit", "bias": "bias", "lower_limit": "limit"}
_PLUS: Final = 2.5


def bland_altman_plot(
    audited: pl.DataFrame, pressure: str, limits: dict[str, Any], name: str
) -> Markup:
    """Draw the errors of one pressure over the mean of told and true, with bias and limits.

    ``limits`` are those of ``ops.audit.bland_altman``; at most 600 windows are drawn, evenly spaced
    among all, and what lies beyond the edge at the edge. A cuff's are dots, a line's squares, and
    crosses had no reading.
    """
    told = audited.filter(pl.col("abstained").is_null()).sort(_KEY)
    points = told.select(
        "calibration",
        mean=(pl.col(pressure) + pl.col(f"true_{pressure}")) / 2,
        error=pl.col(pressure) - pl.col(f"true_{pressure}"),
    ).gather_every(max(-(-told.height // MOST_POINTS), 1))
    axes = _axes(points, limits)
    return picture(
        *(axes.width, axes.height, name, f"Bland\N{EN DASH}Altman plot of {pressure.upper()}"),
        _told(limits),
        *axes.x_ticks("mean of told and measured, mmHg"),
        *axes.y_ticks("told less measured, mmHg"),
        line(axes.left, axes.y(0), axes.width - axes.right, axes.y(0), "zero"),
        *(_points(points, calibration, axes) for calibration in CALIBRATIONS),
        *(mark for each in _LINES for mark in _limit(axes, each, limits[each])),
        class_="chart",
    )


def drawn_of(audited: pl.DataFrame) -> str:
    """Say how many of the windows a plot draws."""
    told = audited["abstained"].null_count()
    every = max(-(-told // MOST_POINTS), 1)
    if every == 1:
        return f"{counted(told, 'window')}, each drawn."
    return f"{count(told)} windows, of which {count(-(-told // every))} are drawn."


def _axes(points: pl.DataFrame, limits: dict[str, Any]) -> Axes:
    ends = [abs(x) for each in _LINES if limits[each] for x in limits[each].values() if x]
    mean, error = (points[name].cast(pl.Float64).to_numpy() for name in ("mean", "error"))
    reach = 1.08 * max([*ends, float(np.quantile(np.abs(error), 0.995)), 10.0])
    low, high = float(mean.min()), float(mean.max())
    return Axes(**_BOX, x_low=low - 4, x_high=high + 4, y_low=-reach, y_high=reach)


def _limit(axes: Axes, name: str, limit: dict[str, Any] | None) -> list[Markup]:
    """Draw bias or a limit with its 95 % interval, as far as the subjects tell them."""
    if limit is None:
        return []
    right, y = axes.width - axes.right, axes.y(limit["value"])
    marks = [
        line(axes.left, y, right, y, _LINES[name]),
        text(right + 13, y + 4, figure(limit["value"]), "start", "label"),
    ]
    if limit["low"] is None:
        return marks
    top, floor = (max(axes.y(limit["high"]), 0), min(axes.y(limit["low"]), axes.height))
    doubt = [(right + 6, top, right + 6, floor), (right + 3, y, right + 9, y)]
    return [*marks, *(line(*ends, "doubt") for ends in doubt)]


def _points(points: pl.DataFrame, calibration: str, axes: Axes) -> Markup:
    chosen = points.filter(pl.col("calibration") == calibration)
    reached = chosen["error"].clip(axes.y_low, axes.y_high)
    mark = (
        f"m-{_PLUS} 0h{2 * _PLUS}m-{_PLUS}-{_PLUS}v{2 * _PLUS}" if calibration == "none" else "h0"
    )
    d = "".join(
        f"M{axes.x(a):.1f} {axes.y(b):.1f}{mark}"
        for a, b in zip(chosen["mean"], reached, strict=True)
    )
    return element("path", d=d, class_=f"point {calibration}") if d else Markup("")


def _told(limits: dict[str, Any]) -> str:
    bias, low, high = (limits[name] for name in ("bias", "lower_limit", "upper_limit"))
    whole = f"{counted(limits['windows'], 'window')} of {counted(limits['subjects'], 'subject')}"
    if bias is None:
        return f"{whole}, too few for limits of agreement"
    interval = f"95 % interval {between(bias['low'], bias['high'])}"
    doubt = TOO_FEW if bias["low"] is None else interval
    return (
        f"{whole}: bias {figure(bias['value'])} mmHg ({doubt}), "
        f"limits of agreement {between(low['value'], high['value'])} mmHg"
    )
