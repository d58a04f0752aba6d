import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.config import NightlyConfig
from flows.nightly import nightly
from flows.report import report
from flows.report_config import ReportConfig


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
