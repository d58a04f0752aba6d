"""The report's page in a real browser.

Playwright keeps an event loop running in its thread, in which no other can be run: the browser is
closed after the last test here, and nothing here runs a flow.
"""

import os
import re
import shutil
from collections.abc import Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser(page_file) -> Iterator["playwright.Browser"]:
    """A headless Chromium: that of PULSELAKE_BROWSER, or the first on the path."""
    found = os.environ.get("PULSELAKE_BROWSER") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if found is None:
        pytest.skip(f"no browser is on the path ({', '.join(BROWSERS)}), nor PULSELAKE_BROWSER")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, page_file, request):
    """The page in a window of the asked size and scheme, what it said, and what it asked for."""
    width, height, scheme = getattr(request, "param", (360, 740, "light"))
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    yield page, said, asked
    context.close()


SIZES = [(360, 740, "light"), (360, 740, "dark"), (1280, 900, "light"), (1280, 900, "dark")]


@pytest.mark.parametrize("opened", SIZES, indirect=True)
def test_the_page_opens_quietly_alone_and_within_the_screen(opened, page_file) -> None:
    page, said, asked = opened
    for summary in page.query_selector_all("summary"):
        summary.click()

    wide = page.evaluate("document.documentElement.scrollWidth")

    assert said == []
    assert asked == [page_file.as_uri()]
    assert wide <= page.viewport_size["width"]
    assert page.evaluate("window.caught") is None


@pytest.mark.parametrize("opened", [SIZES[0], SIZES[-1]], indirect=True)
def test_axe_finds_nothing_that_shuts_a_reader_out(opened) -> None:
    page, _, _ = opened
    for summary in page.query_selector_all("summary"):
        summary.click()

    found = axe.Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 20


def test_a_reader_with_a_keyboard_can_skip_to_the_report(opened) -> None:
    page, _, _ = opened
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")

    assert outline == "solid"
    assert page.evaluate("document.activeElement.id") == "main"


def test_measured_and_synthetic_lines_are_drawn_by_different_strokes(opened) -> None:
    page, _, _ = opened
    dashes = {
        kind: page.evaluate(
            f"getComputedStyle(document.querySelector('.trace .{kind}')).strokeDasharray"
        )
        for kind in ("measured", "synthetic")
    }

    assert dashes["measured"] == "none"
    assert re.fullmatch(r"6px, 3px", dashes["synthetic"])
    names = {name.strip() for name in page.locator(".lane-name span").all_inner_texts()}
    assert names == {"measured", "synthetic"}


def test_what_is_folded_is_printed(opened) -> None:
    page, _, _ = opened
    page.emulate_media(media="print")

    assert page.locator("nav").is_hidden()
    assert page.locator("#grades details table").is_visible()
