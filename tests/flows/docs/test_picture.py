"""The README's picture is what its script draws."""

import re
from xml.etree import ElementTree as ET

import pytest

from bench.strip_picture import drawn, made_strip
from tests.flows.docs.pages import PAGES, ROOT

FILE = ROOT / "docs" / "img" / "strip.svg"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def again() -> ET.Element:
    return ET.fromstring(drawn(made_strip()))  # noqa: S314 (our own)


@pytest.fixture(scope="module")
def kept() -> ET.Element:
    return ET.fromstring(FILE.read_text(encoding="utf-8"))  # noqa: S314 (our own)


def shape(picture: ET.Element) -> list[tuple[str, str | None, str | None]]:
    """Give tags, classes and boxes in their order: all but the values of a signal."""
    return [(e.tag, e.get("class"), e.get("viewBox")) for e in picture.iter()]


def test_the_picture_is_what_its_script_draws(again, kept) -> None:
    assert shape(again) == shape(kept)
    for ours, theirs in zip(again.iter(f"{SVG}path"), kept.iter(f"{SVG}path"), strict=True):
        assert abs(len(ours.get("d", "")) - len(theirs.get("d", ""))) < 0.1 * len(ours.get("d", ""))


def test_the_picture_shows_a_synthetic_line_in_its_band_beside_what_was_measured(kept) -> None:
    classes = [e.get("class") for e in kept.iter(f"{SVG}path")]

    assert classes.count("measured") == 3
    assert classes.count("synthetic") == classes.count("band") == 1


def test_the_picture_says_what_is_on_it_and_follows_light_and_dark(kept) -> None:
    style = kept.findtext(f"{SVG}style") or ""

    assert kept.get("role") == "img"
    assert kept.findtext(f"{SVG}title")
    assert "simulated patient" in (kept.findtext(f"{SVG}desc") or "")
    assert "prefers-color-scheme: dark" in style
    assert "http" not in style
    assert FILE.stat().st_size < 20_000


def test_the_readme_shows_it_with_words_for_those_who_do_not_see_it() -> None:
    (words,) = re.findall(r"!\[([^]]+)\]\(docs/img/strip\.svg\)", PAGES["README.md"])

    assert {"simulated", "synthetic", "90 %"} <= set(re.findall(r"90 %|\w+", words))
