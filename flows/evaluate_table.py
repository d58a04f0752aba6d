"""What is asked of a shipped model and what it reached, as a table of Markdown."""

from typing import Any


def markdown(result: dict[str, Any]) -> str:
    """Lay the claims of every model of an evaluation out, whom they are of above them."""
    kind = "groups of a lake" if result["split"] is None else f"{result['split']} groups"
    groups, windows = len(result["groups"]), result["windows"]
    lines = []
    for model, rows in result["claims"].items():
        head = f"`{model}` on {groups} {kind}, {windows:,} windows"
        lines += [f"| {head} | measured | asked | met |", "|---|---|---|---|"]
        lines += [
            f"| {row['name']} | {row['value']:.3f} | {_plain(row['asked'])} | {_met(row)} |"
            for row in rows
        ]
    return "\n".join(lines) + "\n"


def _plain(asked: str) -> str:
    return asked.replace("<=", "at most").replace(">=", "at least")


def _met(row: dict[str, Any]) -> str:
    return "yes" if row["met"] else "**no**"
