"""Show a run's summary to a person."""

from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.summary import RunSummary
from ops.audit.tables import said

MOST_SHOWN: Final = 20
_AUDIT: Final = (
    "dataset",
    "calibration",
    "pressure",
    "windows",
    "subjects",
    "me",
    "sd",
    "mae",
    "coverage",
    "width",
)


def show(summary: RunSummary, console: Console) -> None:
    """Print what a run did; names are the archive's and hold no markup."""
    what = summary.dataset or "all datasets"
    say(console, f"{summary.flow} of {what} → {summary.lake}", style="bold")
    for sentence in summary.sentences():
        say(console, sentence)
    if summary.grades:
        console.print(_grades(summary))
    if summary.backfilled:
        console.print(_rows("Synthetic signals", summary.backfilled, "task"))
    if summary.annotated:
        console.print(_rows("Annotated windows", {"rhythm": summary.annotated}, "slot"))
    if summary.audit:
        console.print(_audit(summary))
    for line in _quarantine(summary):
        say(console, line)
    peak = f"largest process {summary.peak_rss_mib:.0f} MiB"
    say(console, f"{summary.seconds:.1f} s, {peak}, run {summary.run_id}")


def say(console: Console, line: str, style: str | None = None) -> None:
    """Print a line as it is, unwrapped."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _grades(summary: RunSummary) -> Table:
    return _rows(f"{summary.windows} windows of 4 s, by grade", summary.grades, "signal")


def _rows(title: str, counts: dict[str, dict[str, int]], what: str) -> Table:
    columns = list(dict.fromkeys(name for row in counts.values() for name in row))
    columns.sort(key=_order)
    table = Table(what, *columns, title=title, title_justify="left")
    for name, row in counts.items():
        table.add_row(name, *(str(row.get(column, 0)) for column in columns))
    return table


def _audit(summary: RunSummary) -> Table:
    """Show how wrong made pressures are, by what calibrated them."""
    title = "Made pressures beside hidden arterial lines, mmHg"
    table = Table(*_AUDIT, title=title, title_justify="left")
    for row in summary.audit:
        if row["view"] == "every":
            table.add_row(*(Text(said(row[name])) for name in _AUDIT))
    return table


def _order(column: str) -> Any:
    known = ["good", "fair", "bad", "absent", "ecg", "ppg", "abp"]
    return known.index(column) if column in known else len(known)


def _quarantine(summary: RunSummary) -> list[str]:
    """Name the first inputs in quarantine, a line each, and count the rest."""
    if not summary.quarantined:
        return []
    lines = [f"  {q.path} ({q.step}): {q.reason}" for q in summary.quarantined[:MOST_SHOWN]]
    rest = summary.inputs_quarantined - len(lines)
    lines += [f"  … and {rest} more, in the table quarantine."] if rest > 0 else []
    inputs = (
        "1 input" if summary.inputs_quarantined == 1 else f"{summary.inputs_quarantined} inputs"
    )
    return [f"In quarantine: {inputs}.", *lines]
