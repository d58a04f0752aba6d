"""Links, anchors and paths of the pages lead to what is there."""

import re

import pytest

from tests.flows.docs.pages import FENCED, PAGES, ROOT

LINKS = [
    (page, target)
    for page, text in PAGES.items()
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text))
    if "://" not in target
]
PATH = re.compile(r"`((?:schemas|ops|models|flows|infra|pulselake|bench|tests|docs)/[\w./*-]+?)`")
NAMED = sorted({(page, path) for page, text in PAGES.items() for path in PATH.findall(text)})


def anchors_of(page: str) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", page), flags=re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_to_a_page_that_is_there(page, target) -> None:
    path, _, anchor = target.partition("#")
    there = ROOT / page if not path else (ROOT / page).parent / path

    assert there.exists()
    if anchor:
        assert anchor in anchors_of(there.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("page", "path"), NAMED)
def test_a_file_that_a_page_names_is_there(page, path) -> None:
    assert [*ROOT.glob(path)], f"{page} names {path}"
