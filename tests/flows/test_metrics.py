import re
import shutil
import socket
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from flows.health import flow_health
from flows.measured import file_name, measured
from flows.metrics import LAKE_METRICS, RUN_METRICS, LakeMetrics, RunMetrics
from flows.status import lake_status
from flows.summary import RunSummary
from flows.upkeep_config import StatusConfig
from flows.watching import Watching, watching
from ops.lake import Lake

BEGAN = datetime(2026, 11, 23, 2, tzinfo=UTC)


def values(text: str) -> dict[tuple[str, ...], float]:
    """Give each sample by its metric's name and its own labels, less the run's."""
    of_run = {"lake", "flow", "dataset"}
    return {
        (one.name, *(v for k, v in sorted(one.labels.items()) if k not in of_run)): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def told_by(collector) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(collector)
    return values(generate_latest(registry).decode())


@pytest.fixture
def summary() -> RunSummary:
    summary = RunSummary(run_id="run", flow="nightly", dataset="ward", lake="/lake")
    summary.bytes_read = 2**20
    summary.device_busy_share = 0.75
    items = summary.items_of("backfill")
    items.planned, items.done, items.in_hand, items.retried, items.quarantined = 10, 4, 3, 2, 1
    return summary


def test_a_run_that_works_tells_its_queue(summary) -> None:
    told = told_by(RunMetrics(summary, BEGAN, None))

    assert told["pulselake_run_queue", "in_hand", "backfill"] == 3
    assert told["pulselake_run_queue", "waiting", "backfill"] == 10 - 4 - 3 - 1
    assert told["pulselake_run_items", "retried", "backfill"] == 2
    assert told["pulselake_run_outcome", "running"] == 1
    assert told["pulselake_run_device_busy_ratio",] == 0.75
    assert told["pulselake_run_read_bytes",] == 2**20
    assert ("pulselake_run_last_good_timestamp_seconds",) not in told


def test_a_run_that_failed_keeps_the_time_of_the_last_good_one(summary) -> None:
    metrics = RunMetrics(summary, BEGAN, BEGAN - timedelta(days=1))
    summary.outcome = "failed"
    metrics.end(BEGAN + timedelta(hours=1))
    told = told_by(metrics)

    assert told["pulselake_run_outcome", "failed"] == 1
    good = (BEGAN - timedelta(days=1)).timestamp()
    assert told["pulselake_run_last_good_timestamp_seconds",] == good
    assert told["pulselake_run_queue", "waiting", "backfill"] == 0


def test_every_metric_is_told_of_a_good_night(summary) -> None:
    metrics = RunMetrics(summary, BEGAN, None)
    with summary.timed("fill"):
        pass
    metrics.end(BEGAN)

    assert {name for name, *_ in told_by(metrics)} == set(RUN_METRICS)


def test_a_lake_tells_of_each_flow_and_of_what_waits(first_night) -> None:
    status = lake_status(StatusConfig(lake=first_night[0].lake, workers=0))
    told = told_by(LakeMetrics(status))

    assert told["pulselake_lake_last_run_failed",] == 0
    assert told["pulselake_lake_rows", "records"] == 12
    assert told["pulselake_lake_inputs_quarantined",] == status.quarantined
    assert {name for name, *_ in told} >= set(LAKE_METRICS) - {"pulselake_lake_waiting"}


def test_a_file_holds_the_run_from_its_start_to_its_end(summary, tmp_path) -> None:
    file = tmp_path / "night.prom"
    by = Watching(metrics_file=file)
    with measured(summary, Lake(str(tmp_path / "lake")), BEGAN, by):
        at_work = values(file.read_text())
        summary.bytes_read = 5
    over = values(file.read_text())

    assert at_work["pulselake_run_outcome", "running"] == 1
    assert over["pulselake_run_outcome", "done"] == 1
    assert over["pulselake_run_read_bytes",] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["night.prom"]


def test_a_file_that_goes_away_meanwhile_ends_no_night(summary, tmp_path, caplog) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    lake = Lake(str(tmp_path / "lake"))
    with measured(summary, lake, BEGAN, Watching(metrics_file=folder / "night.prom")):
        shutil.rmtree(folder)

    assert "metrics can't be written" in caplog.text


def test_a_folder_that_is_not_there_is_told_before_anything_is_done(summary, tmp_path) -> None:
    by = Watching(metrics_file=tmp_path / "nowhere" / "night.prom")

    with (
        pytest.raises(OSError, match=r"nowhere/night\.prom: No such file"),
        measured(summary, Lake(str(tmp_path / "lake")), BEGAN, by),
    ):
        pytest.fail("the run began")


def test_a_workers_folder_that_cant_be_written_ends_no_night(
    summary, tmp_path, caplog, monkeypatch
) -> None:
    monkeypatch.setattr("flows.measured.EVERY_S", 0.001)
    folder = tmp_path / "metrics"
    folder.write_text("a file in its place")
    lake = Lake(str(tmp_path / "lake"))
    with measured(summary, lake, BEGAN, Watching(metrics_folder=folder)):
        time.sleep(0.1)
        folder.unlink()
        folder.mkdir()

    assert 1 <= caplog.text.count("prom: Not a directory") <= 2
    assert [path.name for path in folder.iterdir()] == [file_name(summary)]


def test_a_folder_has_a_file_for_each_lake_flow_and_dataset(summary, tmp_path) -> None:
    other = summary.model_copy(update={"dataset": "theatre"})
    elsewhere = summary.model_copy(update={"lake": "/lake/of/another"})

    names = {file_name(one) for one in (summary, other, elsewhere)}
    assert len(names) == 3
    assert file_name(summary.model_copy(update={"run_id": "next"})) in names
    assert all(re.fullmatch(r"nightly-[0-9a-f]{16}\.prom", name) for name in names)


def test_a_port_answers_while_the_run_works(summary, tmp_path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/metrics"
    with measured(summary, Lake(str(tmp_path / "lake")), BEGAN, Watching(metrics_port=port)):
        told = values(urllib.request.urlopen(url, timeout=10).read().decode())

    assert told["pulselake_run_outcome", "running"] == 1
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)


def test_a_port_that_is_taken_is_told(summary, tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match=f"can't be served on port {port}"),
            measured(summary, Lake(str(tmp_path / "lake")), BEGAN, Watching(metrics_port=port)),
        ):
            pytest.fail("the run began")


def test_ages_count_from_the_end_of_a_run() -> None:
    runs = pl.DataFrame(
        {
            "run_id": ["a", "b", "c"],
            "flow": ["nightly", "nightly", "vacuum"],
            "dataset": ["ward", "ward", None],
            "outcome": ["done", "failed", "failed"],
            "started_at": [BEGAN, BEGAN + timedelta(days=1), BEGAN],
            "seconds": [3600.0, 60.0, 1.0],
        }
    )
    night, vacuum = flow_health(runs, BEGAN + timedelta(days=1, hours=1))

    assert (night.outcome, night.run_id, night.age_s) == ("failed", "b", 3540.0)
    assert (night.good_run_id, night.good_age_s) == ("a", 86_400.0)
    assert (vacuum.dataset, vacuum.good_run_id, vacuum.good_age_s) == ("", None, None)


@pytest.mark.parametrize("text", ["0", "http", "99999"])
def test_a_variable_that_says_nothing_of_use_is_named(monkeypatch, text) -> None:
    monkeypatch.setenv("PULSELAKE_METRICS_PORT", text)

    with pytest.raises(ValueError, match=f"PULSELAKE_METRICS_PORT is '{text}'"):
        watching()


def test_a_lake_without_runs_has_no_flow_to_tell_of(tmp_path) -> None:
    runs = Lake(str(tmp_path)).scan("runs").collect()

    assert flow_health(runs, BEGAN) == []
    assert Path(tmp_path).is_dir()
