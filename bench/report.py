"""What a benchmark says: tables to read, and bars that are met or missed in so many words."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """One figure that was asked for."""

    name: str
    value: float
    wanted: str
    met: bool


@dataclass(frozen=True)
class Report:
    """One part of a benchmark: a table to read and the bars it settles."""

    title: str
    header: list[str]
    rows: list[list[Any]]
    bars: list[Bar]
    note: str = ""


def at_least(name: str, value: float, bar: float) -> Bar:
    """Make a bar that is met by ``bar`` or more."""
    return Bar(name, value, f">= {bar:g}", bool(value >= bar))


def at_most(name: str, value: float, bar: float) -> Bar:
    """Make a bar that is met by ``bar`` or less."""
    return Bar(name, value, f"<= {bar:g}", bool(value <= bar))


def show(reports: Sequence[Report]) -> None:
    """Print every table, and the bars last."""
    verdicts = Report(
        "Bars",
        ["bar", "measured", "wanted", "verdict"],
        [[b.name, b.value, b.wanted, "met" if b.met else "MISSED"] for b in _bars(reports)],
        [],
    )
    console = Console()
    console.width = max(console.width, 100)
    for report in [*reports, verdicts]:
        table = Table(*report.header, title=report.title, caption=report.note)
        for row in report.rows:
            table.add_row(*("" if cell is None else _text(cell) for cell in row))
        console.print(table)


def write(path: Path, reports: Sequence[Report], told: Mapping[str, Any]) -> None:
    """Write tables and bars as JSON, after what else is ``told``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_json(reports, told), encoding="utf-8")


def deliver(json_to: str | None, reports: Sequence[Report], told: Mapping[str, Any]) -> None:
    """Print tables, or JSON alone where ``json_to`` is ``-``; else it names a file to write too."""
    if json_to == "-":
        sys.stdout.write(_json(reports, told))
        return
    show(reports)
    if json_to is not None:
        write(Path(json_to), reports, told)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let ``--json`` print JSON alone, and ``--json FILE`` write it beside the tables."""
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE")


def _json(reports: Sequence[Report], told: Mapping[str, Any]) -> str:
    whole = {
        **told,
        "bars": [asdict(bar) for bar in _bars(reports)],
        "tables": [asdict(report) for report in reports],
    }
    return json.dumps(whole, indent=1) + "\n"


def all_met(reports: Sequence[Report]) -> bool:
    """Say whether no bar was missed."""
    return all(bar.met for bar in _bars(reports))


def _bars(reports: Sequence[Report]) -> list[Bar]:
    return [bar for report in reports for bar in report.bars]


def _text(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    if 0 < abs(cell) < 1e-3:
        return f"{cell:.1e}"
    return f"{cell:.0f}" if cell >= 100 else f"{cell:.1f}" if cell >= 10 else f"{cell:.3f}"
