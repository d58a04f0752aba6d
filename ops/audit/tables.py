"""An audit's measures as flat tables, for an artifact, a page or a paper.

A view of errors says whose they are: ``every`` subject as shipped, or those that judge by the
site's correction, which they had no say in (``judges_site``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

VIEWS: Final = ("every", "judges", "judges_site")
Row = dict[str, Any]


@dataclass(frozen=True)
class AuditTables:
    """One row a dict, with the same names in each row of a table; pressures are in mmHg.

    Attributes:
        errors: by dataset, model, calibration, pressure and view: errors, AAMI and BHS rows, limits
            of agreement, coverage and width of the 90 % interval.
        comparison: MAE of the model beside the reading held and the patient's mean.
        hypotension: MAP below 65 mmHg: sensitivity, specificity, share of time.
    """

    errors: list[Row]
    comparison: list[Row]
    hypotension: list[Row]

    def markdown(self) -> str:
        """Write the tables under headings."""
        parts = [
            ("Errors of synthetic pressures, mmHg", self.errors),
            ("Beside what needs no model, MAE in mmHg", self.comparison),
            ("MAP below 65 mmHg", self.hypotension),
        ]
        return "\n\n".join(f"## {title}\n\n{markdown_table(rows)}" for title, rows in parts if rows)


def audit_tables(measures: Sequence[Row]) -> AuditTables:
    """Flatten what ``audit_measures`` gives."""
    named = [(model, _named(model)) for model in measures]
    return AuditTables(
        errors=[name | row for model, name in named for row in _errors(model)],
        comparison=[name | row for model, name in named for row in model["comparison"]],
        hypotension=[name | row for model, name in named for row in _hypotension(model)],
    )


def markdown_table(rows: Sequence[Row]) -> str:
    """Write rows of equal names as a table of GitHub's Markdown."""
    names = list(rows[0])
    lines = [
        names,
        ["---"] * len(names),
        *([said(row[n]).replace("|", "\\|") for n in names] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def said(value: Any) -> str:
    """Write a value of a table: a fraction by three digits, nothing for null."""
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _named(model: Row) -> Row:
    return {"dataset": model["dataset"], "model_id": model["model_id"]}


def _views(model: Row) -> Iterator[tuple[Row, Row]]:
    for calibration, views in model["calibrations"].items():
        for view in VIEWS:
            yield {"calibration": calibration, "view": view}, views[view]


def _errors(model: Row) -> Iterator[Row]:
    for name, figures in _views(model):
        for pressure, of in figures["pressures"].items():
            yield name | {"pressure": pressure} | _error(of)


def _error(of: Row) -> Row:
    mae, limits, covered = of["mae"] or {}, of["bland_altman"], of["coverage"]
    aami, bhs = of.get("aami") or {}, of.get("bhs") or {}
    return {
        "windows": of["windows"],
        "subjects": of["groups"],
        "me": of["me"],
        "sd": of["sd"],
        "mae": mae.get("mean"),
        "mae_low": mae.get("low"),
        "mae_high": mae.get("high"),
        "aami_errors_within": aami.get("errors_within"),
        "aami_subjects_enough": aami.get("subjects_enough"),
        "bhs_within_5": bhs.get("within_5"),
        "bhs_within_10": bhs.get("within_10"),
        "bhs_within_15": bhs.get("within_15"),
        "bhs": bhs.get("grade"),
        "lower_limit": _value(limits["lower_limit"]),
        "upper_limit": _value(limits["upper_limit"]),
        "coverage": covered["mean"],
        "coverage_low": covered["low"],
        "coverage_high": covered["high"],
        "width": of["width"]["mean"],
    }


def _hypotension(model: Row) -> Iterator[Row]:
    for name, figures in _views(model):
        yield name | _flat(figures["hypotension"])


def _flat(told: Row, prefix: str = "") -> Row:
    """Name nested figures by their path."""
    flat: Row = {}
    for name, value in told.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _value(figure: Row | None) -> float | None:
    return None if figure is None else figure["value"]
