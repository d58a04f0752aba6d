import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.config import NightlyConfig
from flows.nightly import nightly
from flows.report import report
from flows.report_config import ReportConfig
from ops.lake import Lake
from schemas.quarantine import Quarantined

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
HOSTILE = "<script>window.caught = true</script>"


@pytest.fixture(scope="session")
def browser() -> Iterator["playwright.Browser"]:
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


@pytest.fixture(scope="session")
def page_file(annotated_night, tmp_path_factory) -> Path:
    """The page of the first night, annotated, with one input whose name is hostile."""
    folder = tmp_path_factory.mktemp("page")
    lake = shutil.copytree(annotated_night[0].lake, folder / "lake")
    row = {"dataset": "ward", "path": HOSTILE, "step": "read", "record_id": HOSTILE}
    row |= {"error": "TornError", "reason": f"{HOSTILE} is torn", "fingerprint": ""}
    row |= {"code_version": "1", "attempts": 1, "run_id": "r", "created_at": datetime.now(UTC)}
    Lake(str(lake)).put("quarantine", [Quarantined.cast(pl.DataFrame([row]))])
    return Path(report(ReportConfig(lake=str(lake), out=str(folder / "page.html"))).out)


def test_a_night_writes_its_page_and_tells_of_itself(config, tmp_path) -> None:
    out = tmp_path / "pages" / "night.html"

    summary = nightly(NightlyConfig(**config.model_dump() | {"report": str(out)}))

    page = out.read_text(encoding="utf-8")
    assert summary.run_id in page
    assert list(out.parent.iterdir()) == [out]


def test_the_page_says_what_the_night_counted(first_night, page_file) -> None:
    _, summary = first_night
    page = page_file.read_text(encoding="utf-8")

    assert f"{summary.records_ingested}<small>of {summary.records_found} found" in page
    assert f"<dd>{summary.windows}<small>4 s each" in page
    for task, modality in ((t, m) for t, made in summary.backfilled.items() for m in made):
        assert f'<td class="number">{summary.backfilled[task][modality]}</td>' in page
    assert page_file.stat().st_size < 2e6


def test_the_page_says_what_is_said_of_windows(annotated_night, page_file) -> None:
    _, summary = annotated_night
    page = page_file.read_text(encoding="utf-8")
    n = sum(summary.annotated.values())

    assert f"{n} windows of 4 s are annotated, by <bdi>rules-1</bdi>" in page
    assert f'windows annotated</th><td class="number">{n}</td>' in page
    assert f'<th scope="row">regular</th><td class="number">{summary.annotated["regular"]}' in page
    assert page.count("<summary>What is said of this window</summary>") > 5
    assert "<dt>pressure source</dt><dd>imputed <small>100\u202f%</small>" in page


def test_the_page_of_a_lake_that_nobody_annotated_says_so(first_night, tmp_path) -> None:
    out = tmp_path / "page.html"
    report(ReportConfig(lake=first_night[0].lake, out=str(out)))
    page = out.read_text(encoding="utf-8")

    assert "No window is annotated." in page
    assert "What is said of this window" not in page


def test_the_same_lake_gives_the_same_page(first_night, tmp_path) -> None:
    lake = first_night[0].lake
    first, second = (
        Path(report(ReportConfig(lake=lake, out=str(tmp_path / name))).out) for name in ("a", "b")
    )

    assert first.read_bytes() == second.read_bytes()


def test_the_command_prints_what_it_wrote(first_night, tmp_path) -> None:
    config, summary = first_night
    out = tmp_path / "page.html"

    told = CliRunner().invoke(app, ["report", config.lake, "--out", str(out), "--json"])

    assert told.exit_code == 0
    said = json.loads(told.stdout)
    assert said["runs"] == [summary.run_id]
    assert said["size_bytes"] == out.stat().st_size


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"dataset": "elsewhere"}, "dataset elsewhere is not in .*; there are: ward"),
        ({"lake": "/nowhere"}, "there is no lake at /nowhere"),
        ({"out": "s3://bucket/page.html"}, "a page goes to a local file"),
        ({"out": "."}, "a page goes to a local file"),
    ],
)
def test_what_can_not_be_reported_is_said_in_a_sentence(
    first_night, tmp_path, said, sentence
) -> None:
    told = {"lake": first_night[0].lake, "out": str(tmp_path / "page.html")} | said

    with pytest.raises(ValueError, match=sentence):
        report(ReportConfig(**told))


def test_a_page_that_can_not_be_written_leaves_nothing(first_night, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))

    with pytest.raises(OSError, match="full"):
        report(ReportConfig(lake=first_night[0].lake, out=str(tmp_path / "page.html")))

    assert list(tmp_path.iterdir()) == []


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
