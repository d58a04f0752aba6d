"""How often the 90 % intervals hold the truth, as shipped and corrected by the site."""

from typing import Any, Final

from markupsafe import Markup

from ops.report.axes import Axes
from ops.report.svg import element, line, picture, rect, text
from ops.report.words import CALIBRATIONS_SHORT, ranged

VIEWS: Final = {"judges": "shipped", "judges_site": "site"}
"""Views of ``ops.audit.measures``, both over the judging half, and how they are drawn."""

NOMINAL: Final = 90.0
ASKED: Final = (88.0, 92.0)
_ROW: Final = 36
_AXES: Final = Axes(width=320, height=0, left=62, right=14, top=12, bottom=30)


def coverage_plot(calibrations: dict[str, Any], pressure: str, name: str) -> Markup:
    """Draw the coverage of one pressure by calibration: hollow as shipped, filled by the site.

    ``calibrations`` are those of one model's measures; whiskers are 95 % intervals,
    which too few subjects have not.
    """
    rows = {c: _covered(views, pressure) for c, views in calibrations.items()}
    lowest = min(
        (x for row in rows.values() for of in row.values() for x in of.values()), default=80
    )
    low = min(70.0, 10 * (lowest // 10))
    axes = _AXES.over(low, 100.0, len(rows) * _ROW)
    drawn = [mark for i, (c, row) in enumerate(rows.items()) for mark in _marks(axes, i, c, row)]
    told = "; ".join(_told(c, row) for c, row in rows.items())
    return picture(
        *(axes.width, axes.height, name, f"Coverage of {pressure.upper()} by calibration", told),
        *_target(axes),
        *axes.x_ticks("windows whose truth is inside, %"),
        *drawn,
        class_="chart",
    )


def _covered(views: dict[str, Any], pressure: str) -> dict[str, dict[str, float]]:
    """Give mean and bounds in percent by how they are drawn; what is not known is left out."""
    found = {drawn: views[view]["pressures"][pressure]["coverage"] for view, drawn in VIEWS.items()}
    return {
        drawn: {part: 100 * of[part] for part in ("mean", "low", "high") if of[part] is not None}
        for drawn, of in found.items()
        if of["mean"] is not None
    }


def _target(axes: Axes) -> list[Markup]:
    floor, (low, high) = axes.height - axes.bottom, (axes.x(x) for x in ASKED)
    return [
        rect(low, axes.top, high - low, floor - axes.top, "asked"),
        line(axes.x(NOMINAL), axes.top, axes.x(NOMINAL), floor, "nominal"),
    ]


def _marks(axes: Axes, i: int, calibration: str, row: dict[str, dict[str, float]]) -> list[Markup]:
    y = axes.top + (i + 0.5) * _ROW
    marks = [text(axes.left - 8, y + 4, CALIBRATIONS_SHORT.get(calibration, calibration), "end")]
    for offset, (drawn, of) in zip((-7, 7), row.items(), strict=False):
        if "low" in of:
            low, high = axes.x(of["low"]), axes.x(of["high"])
            marks.append(line(low, y + offset, high, y + offset, f"whisker {drawn}"))
        dot = {"cx": axes.x(of["mean"]), "cy": y + offset, "r": 4.5}
        marks.append(element("circle", **dot, class_=f"dot {drawn}"))
    return marks


def _told(calibration: str, row: dict[str, dict[str, float]]) -> str:
    if not row:
        return f"{calibration}: no window judges"
    parts = [
        f"{drawn} {ranged(of['mean'], of.get('low'), of.get('high'))} %"
        for drawn, of in row.items()
    ]
    return f"{calibration}: {', '.join(parts)}"
