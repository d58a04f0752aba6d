"""What a worker tells of runs that come and go."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from flows.exporter import look_at, main, registry_of
from flows.measured import measured
from flows.summary import RunSummary
from flows.watching import Watching
from ops.lake import Lake
from tests.infra.hospital import free_port, wait_until

BEGAN = datetime(2026, 11, 23, 2, tzinfo=UTC)


def run(folder: Path, dataset: str, outcome: str = "done", flow: str = "nightly") -> None:
    """Leave in a folder what a run leaves, as from a process of its own."""
    lake = Lake(str(folder.parent / "lake"))
    summary = RunSummary(run_id="run", flow=flow, dataset=dataset, lake=lake.url)
    with measured(summary, lake, BEGAN, Watching(metrics_folder=folder)):
        summary.outcome = outcome


def outcomes(text: str) -> dict[tuple[str, str], str]:
    """Give how runs ended, by flow and dataset."""
    (family,) = [f for f in text_string_to_metric_families(text) if f.name.endswith("run_outcome")]
    return {
        (one.labels["flow"], one.labels["dataset"]): one.labels["outcome"]
        for one in family.samples
        if one.value
    }


def scraped(folder: Path) -> str:
    return generate_latest(registry_of(folder)).decode()


def test_runs_of_many_datasets_lie_in_one_folder_and_are_told_together(tmp_path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    run(folder, "ward")
    run(folder, "ward", "failed", flow="backfill")
    run(folder, "theatre", "failed")

    assert outcomes(scraped(folder)) == {
        ("nightly", "ward"): "done",
        ("backfill", "ward"): "failed",
        ("nightly", "theatre"): "failed",
    }
    assert scraped(folder).count("# HELP pulselake_run_outcome ") == 1


def test_a_next_run_takes_the_place_of_the_one_before(tmp_path) -> None:
    run(tmp_path, "ward", "failed")
    run(tmp_path, "ward")

    assert outcomes(scraped(tmp_path)) == {("nightly", "ward"): "done"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_is_none_of_ours_hides_no_other(tmp_path, caplog) -> None:
    run(tmp_path, "ward")
    (tmp_path / "broken.prom").write_text("what is this {\n")

    assert outcomes(scraped(tmp_path)) == {("nightly", "ward"): "done"}
    assert "broken.prom can't be read" in caplog.text


def test_an_empty_folder_tells_nothing(tmp_path) -> None:
    assert scraped(tmp_path) == ""


def test_a_lake_says_when_its_last_good_night_was(first_night, tmp_path) -> None:
    told = look_at(first_night[0].lake, tmp_path)

    assert told
    assert 'pulselake_lake_last_run_failed{dataset="ward",flow="nightly"' in scraped(tmp_path)


def test_a_lake_that_is_not_there_yet_is_told_in_the_log_and_ends_nothing(tmp_path, capfd) -> None:
    assert not look_at(str(tmp_path / "lake"), tmp_path)
    assert "there is no lake at" in " ".join(capfd.readouterr().err.split())


def test_without_a_folder_it_says_which_variable_is_missing(monkeypatch) -> None:
    monkeypatch.delenv("PULSELAKE_METRICS_FOLDER", raising=False)

    with pytest.raises(SystemExit, match="PULSELAKE_METRICS_FOLDER must name a folder"):
        main()


@pytest.mark.parametrize("text", ["http", "0", "-1", "65536", "999999", "٩١٠٨", "9108\n"])
def test_a_port_that_is_none_is_told_in_a_sentence(tmp_path, monkeypatch, text) -> None:
    monkeypatch.setenv("PULSELAKE_METRICS_FOLDER", str(tmp_path))
    monkeypatch.setenv("PULSELAKE_SCRAPE_PORT", text)

    with pytest.raises(SystemExit, match="PULSELAKE_SCRAPE_PORT must be a port from 1 to 65535"):
        main()


def test_a_variable_of_every_run_that_is_wrong_is_told_in_a_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PULSELAKE_METRICS_FOLDER", str(tmp_path))
    monkeypatch.setenv("PULSELAKE_LOG_JSON", "perhaps")

    with pytest.raises(SystemExit, match=r"^PULSELAKE_LOG_JSON is 'perhaps': "):
        main()


def test_a_folder_that_cant_be_made_is_told_in_a_sentence(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PULSELAKE_METRICS_FOLDER", str(tmp_path / "file" / "metrics"))

    with pytest.raises(SystemExit, match=r"file/metrics can't be made: Not a directory$"):
        main()


@contextmanager
def exporter(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    variables = {
        "PULSELAKE_METRICS_FOLDER": str(folder),
        "PULSELAKE_SCRAPE_PORT": str(port),
        "PULSELAKE_LOG_JSON": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "flows.exporter"],
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.terminate()


def answer(port: int) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as said:
            return said.read().decode()
    except OSError:
        return None


def test_a_scrape_finds_a_run_that_is_long_over(tmp_path) -> None:
    port = free_port()
    with exporter(tmp_path / "metrics", port) as process:
        wait_until(lambda: answer(port) is not None, "the exporter", 60)
        before = answer(port)
        run(tmp_path / "metrics", "ward")
        after = answer(port)

        assert before == ""
        assert outcomes(after or "") == {("nightly", "ward"): "done"}
        with exporter(tmp_path / "metrics", port) as second:
            assert second.wait(60) == 1
            assert f"metrics can't be served on port {port}" in (second.stderr or "").read()
        assert process.poll() is None
