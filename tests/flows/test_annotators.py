"""The hash of what annotates is that of the files that decide what is said, and of no others."""

import ast
from pathlib import Path

import pytest

import models.lavida.annotator as lavida
import ops.strip.rules as rules

ROOT = Path(__file__).parents[2]
PLAIN = {
    "annotator",
    "grid",
    "mapped",
    "modality",
    "reading",
    "replacing",
    "restoration",
    "restored",
}
"""Modules that say nothing: what is taken and given, how a file is read, samples and units."""

SEEN = {"card", "checkpoint", "shapes", "strip_image", "template", "trace"}
"""Modules that refuse what is not right, or have words of their own."""


def imported(file: Path) -> set[Path]:
    """Give the project's files that one imports, and those that they import, itself among them."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        here = waiting.pop()
        found.add(here)
        for node in ast.walk(ast.parse(here.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            else:
                continue
            paths = [ROOT / f"{name.replace('.', '/')}{end}" for name in names
                     for end in (".py", "/__init__.py")]  # fmt: skip
            waiting += [path for path in paths if path.is_file() and path not in found]
    return found


@pytest.mark.parametrize("annotator", [rules, lavida])
def test_all_that_is_imported_is_hashed_but_what_says_nothing(annotator) -> None:
    hashed = {Path(path).resolve() for path in annotator.CODE}
    needed = imported(Path(annotator.__file__))

    assert {path.stem for path in needed - hashed} <= PLAIN | SEEN
    assert hashed <= needed
