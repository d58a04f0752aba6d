"""The licences of what pulselake runs on, as the installed distributions state them.

``python -m infra.licences`` prints a table.
"""

import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

UNKNOWN: Final = "not stated"
_CLASSIFIER: Final = "License :: "
_NEED: Final = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^]]*)\])?[^;]*;?(?P<marker>.*)")
_OF_EXTRA: Final = re.compile(r"extra\s*==\s*[\"']([^\"']+)[\"']")
_LONGEST: Final = 80
"""A licence field that is longer holds the licence's text, whose first line is its name."""


@dataclass(frozen=True, order=True)
class Licensed:
    """A distribution, its version, and its licence in its own words."""

    name: str
    version: str
    licence: str


def licences(root: str = "pulselake", extra: str = "") -> list[Licensed]:
    """List what a distribution needs here, itself left out, by name; ``extra`` adds one's own.

    Raises:
        PackageNotFoundError: where ``root`` is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = _needs(distribution(root), {extra})
    while waiting:
        name, extras = waiting.pop()
        known = _installed(name)
        if known is not None and name not in found:
            found[name] = known
            waiting += _needs(known, extras)
    told = (Licensed(name, one.version, licence_of(one)) for name, one in found.items())
    return sorted(told)


def licence_of(known: Distribution) -> str:
    """Give a licence as metadata tell it: expression, else classifiers, else free text."""
    expression, free = (_field(known, name) for name in ("License-Expression", "License"))
    kinds = [c for c in known.metadata.get_all("Classifier") or [] if c.startswith(_CLASSIFIER)]
    named = ", ".join(kind.rpartition(" :: ")[2] for kind in kinds if kind.count("::") > 1)
    told = expression or named or free or _first_line(known)
    return told.strip().partition("\n")[0][:_LONGEST] or UNKNOWN


def table(found: list[Licensed]) -> str:
    """Write licences as Markdown."""
    rows = [f"| {one.name} | {one.version} | {one.licence} |" for one in found]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows]) + "\n"


def _field(known: Distribution, name: str) -> str:
    return next(iter(known.metadata.get_all(name) or []), "")


def _first_line(known: Distribution) -> str:
    """Give the first line of a licence's file, where one comes along."""
    for path in known.files or []:
        if path.name.upper().startswith("LICEN"):
            return path.read_text().strip()
    return ""


def _needs(known: Distribution, extras: set[str]) -> list[tuple[str, set[str]]]:
    """Give what one asks for with those extras; what another system needs is not installed."""
    needs = []
    for line in known.requires or []:
        found = _NEED.match(line)
        of_extra = set(_OF_EXTRA.findall(line))
        if found and (not of_extra or of_extra & extras):
            more = {e.strip() for e in (found["extras"] or "").split(",")} - {""}
            needs.append((_plain(found["name"]), more))
    return needs


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print the table."""
    sys.stdout.write(table(licences()))


if __name__ == "__main__":
    main()
