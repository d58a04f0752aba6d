import re
import tomllib

import grimp

from tests.flows.docs.pages import PAGES, ROOT, code_of

PAGE = PAGES["docs/architecture.md"]
OURS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "root_packages"
]


def imported() -> set[tuple[str, str]]:
    """Give which package imports which, by every module of theirs."""
    graph = grimp.build_graph(*OURS)
    pairs = {
        (module.split(".")[0], other.split(".")[0])
        for module in graph.modules
        for other in graph.find_modules_directly_imported_by(module)
    }
    return {(importer, package) for importer, package in pairs if importer != package}


def test_the_diagram_has_the_arrows_that_the_imports_have() -> None:
    (diagram,) = code_of(PAGE, "mermaid")
    arrows = set(re.findall(r"^ +(\w+) --> (\w+)$", diagram, flags=re.MULTILINE))

    assert arrows == imported()


def test_every_package_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)

    assert set(rows) == set(OURS)


def test_what_a_package_is_said_never_to_import_it_does_not() -> None:
    arrows = imported()
    for package, never in re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", PAGE, flags=re.MULTILINE):
        for other in re.findall(r"`(\w+)`", never):
            assert (package, other) not in arrows
