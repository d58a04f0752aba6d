"""Lay an evaluation out as tables to read."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from flows.show import say

Row = dict[str, Any]

SIGNAL: Final[dict[str, tuple[str, int]]] = {
    "rmse": ("RMSE", 3),
    "mae": ("MAE", 3),
    "ks": ("KS", 3),
    "correlation": ("corr", 3),
    "correlation_aligned": ("aligned", 3),
    "snr_gain_db": ("gain dB", 1),
    "hr_error": ("HR err", 1),
    "f1_50": ("F1 50", 3),
    "f1_150": ("F1 150", 3),
    "timing_ms": ("ms", 0),
}
"""What is shown of a signal: its key, its heading, its decimals."""

_WIDTH: Final = 190
_FUNCTIONAL: Final = ("hr_error_other", "hr_error", "f1_50", "f1_150")


def show_evaluation(result: Row, console: Console) -> None:
    """Print the tables: signals, pressures, the functional check, joints."""
    where = result["source"] if result["split"] is None else f"the {result['split']} groups"
    groups = len(result["groups"])
    wide = Console(file=console.file, width=max(console.width, _WIDTH))
    say(console, f"evaluate on {where}: {result['windows']} windows of {groups} groups", "bold")
    tables = (_signals, _pressures, _functional, _joints, _claims)
    for table in (make(result) for make in tables):
        if table.row_count:
            wide.print(table)
    for note in result["notes"]:
        say(console, note)
    if result["left_out"]:
        say(console, f"Left out without --noise: {', '.join(result['left_out'])}")


def _table(title: str, *columns: str) -> Table:
    """Make a table whose lines are never broken: on a narrow terminal they are long."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _signals(result: Row) -> Table:
    headings = [heading for heading, _ in SIGNAL.values()]
    table = _table("Signals (* best classical)", "case", "n", "method", *headings, "cover", "/s")
    for case, name, figures in _methods(result):
        if figures["rmse"]["mean"] is None:
            continue
        star = " *" if name == case["best_classical"] else ""
        cells = [_mean(figures.get(key), digits) for key, (_, digits) in SIGNAL.items()]
        cells[0] += _interval(figures["rmse"], 3)
        band = figures["bands"]["90"]
        covered = _mean(band["coverage"], 2) if band else ""
        speed = f"{figures['windows_a_second']:.0f}"
        table.add_row(case["name"], _size(case), name + star, *cells, covered, speed)
    return table


def _pressures(result: Row) -> Table:
    columns = ("case", "n", "method", "of", "MAE", "ME", "SD", "AAMI", "BHS", "cover", "width")
    table = _table("Pressures (mmHg)", *columns)
    for case, name, figures in _methods(result):
        if case["task"] != "translate":
            continue
        for pressure, row in figures["pressures"].items():
            if not row["windows"]:
                continue
            interval = row["intervals"]["90"]
            table.add_row(
                case["name"],
                f"{row['windows']}/{row['groups']}",
                name,
                pressure,
                _mean(row["mae"], 1) + _interval(row["mae"], 1),
                _told(row["me"], 1),
                _told(row["sd"], 1),
                _aami(row["aami"]),
                row["bhs"]["grade"],
                _mean(interval["coverage"], 2) if interval else "",
                _mean(interval["width"], 0) if interval else "",
            )
    return table


def _functional(result: Row) -> Table:
    table = _table(
        "Heart rate and beats of what is clean, corrupted and restored",
        *("case", "signal", "HR err of other", "HR err", "F1 50", "F1 150"),
    )
    for case in result["cases"]:
        rows = {**(case["functional"] or {}), **(case["methods"] if case["functional"] else {})}
        for name, figures in rows.items():
            cells = [_mean(figures[key], 1 if "hr" in key else 3) for key in _FUNCTIONAL]
            table.add_row(case["name"], name, *cells)
    return table


def _joints(result: Row) -> Table:
    table = _table(
        "Jumps at joints over those inside", "case", "method", "joint", "inside", "times"
    )
    for case in result["continuity"]:
        for name, row in case["methods"].items():
            cells = (_told(row["joint"], 4), _told(row["inside"], 4), _told(row["times"], 1))
            table.add_row(case["name"], name, *cells)
    return table


def _claims(result: Row) -> Table:
    table = _table(
        "What a shipped model is to reach", "model", "figure", "measured", "asked", "met"
    )
    for model, rows in result["claims"].items():
        for row in rows:
            met = "yes" if row["met"] else "NO"
            table.add_row(model, row["name"], f"{row['value']:.3f}", row["asked"], met)
    return table


def _methods(result: Row) -> Iterator[tuple[Row, str, Row]]:
    for case in result["cases"]:
        for name, figures in case["methods"].items():
            yield case, name, figures


def _size(case: Row) -> str:
    return f"{case['windows']}/{case['groups']}"


def _mean(figure: Row | None, digits: int) -> str:
    return _told(figure["mean"] if figure else None, digits)


def _told(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _interval(figure: Row, digits: int) -> str:
    """Write the bounds; nothing where there are too few groups for any."""
    if figure["low"] is None:
        return ""
    return f" ({figure['low']:.{digits}f}-{figure['high']:.{digits}f})"


def _aami(row: Row) -> str:
    """Say it of the errors; too few subjects are said beside it."""
    said = "yes" if row["errors_within"] else "no"
    return said if row["subjects_enough"] else f"{said}, few"
