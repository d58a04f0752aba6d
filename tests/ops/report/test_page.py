import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from ops.report.annotated import Annotated, annotated
from ops.report.audited import audited_models
from ops.report.page import Page, render_page
from ops.report.pressures import PressureRow
from ops.report.runs import NightRun
from ops.report.strips import draw_strip

HOSTILE = '<script>alert("1")</script>\u202e&amp;\x00'
VOID = {"meta", "link"}

EMPTY = Page(
    lake="/lake",
    dataset="",
    as_of=None,
    runs=[],
    graded=pl.DataFrame(
        schema={"place": pl.String, "modality": pl.String, "grade": pl.String, "windows": pl.Int64}
    ),
    strips=[],
    made=[],
    pressures=[],
    abstentions=[],
    annotated=Annotated({}, [], {}),
    audited=[],
    quarantined=0,
    classes=[],
    listed=[],
    withdrawn=[],
)


class Outline(HTMLParser):
    """Elements and ids of a page; fails where a tag is not closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told[name] for name in ("href", "src") if name in told]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self._open.pop() == tag


@pytest.fixture(scope="module")
def full(ward_audit, made, windows, said) -> Page:
    """A page with something in every section, and hostile text wherever an archive gives text."""
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    summary = {"records_found": 9, "records_ingested": 3, "timings": {"fill": 2.0}, "windows": 70}
    run = NightRun(
        "r1", "nightly", HOSTILE, HOSTILE, "failed", noon, 61.0,
        summary | {"error": HOSTILE, "backfilled": {"translate": {"abp": 5}}},
        {"source": HOSTILE, "translate": ["abp"]},
        {"polars": "2"},
    )  # fmt: skip
    graded = pl.DataFrame(
        {"place": HOSTILE, "modality": ["ecg", "ppg", "abp"], "grade": "good", "windows": 7}
    )
    row = made({"record_id": HOSTILE, "model_id": HOSTILE}).row(0, named=True)
    window = windows({"ecg": [0] * 500, "ppg": [0] * 500}).row(0, named=True)
    told = said({"record_id": HOSTILE, "model_id": HOSTILE, "note": HOSTILE, "rhythm": "ectopy"})
    spread = {p: [80.0, 90.0, 100.0, 110.0, 120.0] for p in ("sbp", "dbp", "map")}
    kind = {"windows": 4, "subjects": 2, "quantiles": spread}
    return Page(
        lake=HOSTILE,
        dataset="",
        as_of=None,
        runs=[run],
        graded=graded,
        strips=[draw_strip(row, window, "strip-0", told.row(0, named=True))],
        made=[{"modality": "abp", "task": "translate", "model_id": HOSTILE, "made": 5}
              | {"abstained": 2}],
        pressures=[
            PressureRow("measured", reference_age_s=None, widths=dict.fromkeys(spread), **kind),
            PressureRow("cuff", reference_age_s=90.0, widths=dict.fromkeys(spread, 20.0), **kind),
        ],
        abstentions=[{"reason": "range", "modality": "abp", "task": "translate", "windows": 2}],
        annotated=annotated(told.lazy()),
        audited=audited_models(ward_audit.with_columns(model_id=pl.lit(HOSTILE))),
        quarantined=2,
        classes=[{"error": HOSTILE, "step": "read", "inputs": 2, "records": 1, "example": HOSTILE}],
        listed=[{"path": HOSTILE, "step": "read", "reason": HOSTILE, "attempts": 1}
                | {"created_at": noon}],
        withdrawn=[{"model_id": HOSTILE, "since": noon, "run_id": None}],
    )  # fmt: skip


def test_nothing_of_an_archive_becomes_markup(full) -> None:
    page = render_page(full)

    assert "script" not in Outline(page).tags
    assert page.count("&lt;script&gt;") > 10
    assert not set("\u202e\x00") & set(page)


@pytest.mark.parametrize("whole", [True, False])
def test_a_page_is_well_formed_has_one_heading_and_asks_for_nothing(full, whole) -> None:
    page = render_page(full if whole else EMPTY)

    outline = Outline(page)
    assert outline.tags.count("h1") == 1
    assert len(outline.ids) == len(set(outline.ids))
    assert [link for link in outline.links if not link.startswith(("#", "data:,"))] == []
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert not re.search(r"url\(|@import|https?:", page)


def test_an_empty_lake_is_told_in_words() -> None:
    page = render_page(EMPTY)

    for sentence in (
        "No run is recorded",
        "Nothing was audited",
        "No window is in the lake",
        "No window is annotated",
    ):
        assert sentence in page


def test_the_same_page_gives_the_same_text(full) -> None:
    assert render_page(full) == render_page(replace(full))


def test_a_failed_run_says_so_first(full) -> None:
    page = render_page(full)

    assert page.index("failed after") < page.index("What the night did")


def test_every_table_has_a_caption_and_its_heads_say_what_they_head(full) -> None:
    page = render_page(full)

    tables = page.count("<table>")
    assert tables == page.count("<caption>") > 5
    assert "<th>" not in page
    assert '<th scope="col"' in page
    assert '<th scope="row"' in page


CSS = "".join(
    (files("ops.report") / "templates" / name).read_text(encoding="utf-8")
    for name in ("style.css", "chart.css", "media.css")
)
SCHEMES = ("light", "dark", "print")

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SEEN = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def colours(scheme: str) -> dict[str, np.ndarray]:
    """Linear RGB of the style sheet's colours, by name."""
    block = re.findall(r":root \{(.*?)\}", CSS, flags=re.DOTALL)[SCHEMES.index(scheme)]
    found = re.findall(r"--([\w-]+): #([0-9a-f]{3,6})\b", block)
    return {name: linear(code if len(code) == 6 else 2 * code[0] + 2 * code[1] + 2 * code[2])
            for name, code in found}  # fmt: skip


def linear(code: str) -> np.ndarray:
    rgb = np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    low, high = sorted((TO_XYZ[1] @ a, TO_XYZ[1] @ b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = (np.cbrt(v) for v in TO_XYZ @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sight", [None, *SEEN])
def test_measured_and_synthetic_differ_to_every_eye(scheme, sight) -> None:
    seen = np.array(SEEN[sight]) if sight else np.eye(3)
    of = {name: seen @ rgb for name, rgb in colours(scheme).items()}

    apart = np.linalg.norm(lab(of["measured"]) - lab(of["synthetic"]))

    assert apart > 30
    assert contrast(of["measured"], of["page"]) > 3
    assert contrast(of["synthetic"], of["page"]) > 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_the_page(scheme) -> None:
    of = colours(scheme)

    assert contrast(of["ink"], of["page"]) > 7
    assert contrast(of["quiet"], of["page"]) > 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_grades_that_touch_differ_in_lightness_or_hue(scheme) -> None:
    of = colours(scheme)

    for a, b in combinations(("good", "fair", "bad", "absent"), 2):
        assert np.linalg.norm(lab(of[a]) - lab(of[b])) > 20, (a, b)


def test_synthetic_lines_are_dashed_and_measured_ones_are_not() -> None:
    rules = {c: re.search(rf"\.{c} \{{(.*?)\}}", CSS)[1] for c in ("measured", "synthetic")}

    assert "stroke-dasharray: 6 3" in rules["synthetic"]
    assert "dasharray" not in rules["measured"]


@pytest.mark.parametrize("silent", [True, False])
def test_an_audit_of_one_subject_is_told_without_an_interval(full, ward_audit, silent) -> None:
    one = ward_audit.filter(subject_id="s00")
    if silent:
        told = [f"{p}{end}" for p in ("sbp", "dbp", "map") for end in ("", "_lower", "_upper")]
        nothing = [pl.lit(None, pl.Float32).alias(name) for name in told]
        one = one.with_columns(*nothing, abstained=pl.lit("range"))

    page = render_page(replace(full, audited=audited_models(one)))

    Outline(page)
    assert ("(too few subjects)" in page) != silent
    assert "None" not in page
