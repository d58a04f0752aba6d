"""Nights as a log store, a monitor and Prometheus see them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

import infra
from flows import cli
from flows.cli import app

QUICK = ("--workers", "0", "--restorer", "classical", "--dataset", "ward")
READ = "read and grade"


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def ends(text: str) -> list[str]:
    return [line["outcome"] for line in lines(text) if line["event"] == "run ended"]


def test_a_night_logs_json_of_its_run_its_records_and_its_shards(first_night, tmp_path) -> None:
    lake = str(tmp_path / "lake")
    done = run("nightly", first_night[0].source, lake, *QUICK, "--log-json", "--json")
    summary, told = json.loads(done.stdout), lines(done.stderr)
    items = [line for line in told if line["event"] == "done"]

    assert {line["run_id"] for line in told if "run_id" in line} == {summary["run_id"]}
    assert ends(done.stderr) == ["done"]
    assert len([i for i in items if i["step"] == READ]) == summary["items"]["ingest"]["done"] == 12
    assert {i["record"] for i in items if i["step"] == READ}
    assert all(
        "#windows=" in i["shard"] and i["seconds"] >= 0 for i in items if i["step"] == "fill"
    )
    assert summary["bytes_read"] > 0


def test_a_night_logs_no_json_unless_it_is_asked_to(config) -> None:
    done = run("nightly", config.source, config.lake, *QUICK, "--json")

    assert '"event"' not in done.stderr


def test_a_variable_asks_for_json_and_an_option_has_the_last_word(config, monkeypatch) -> None:
    monkeypatch.setenv("PULSELAKE_LOG_JSON", "1")
    asked = run("ingest", config.source, config.lake, "--workers", "0")
    not_asked = run("ingest", config.source, config.lake, "--workers", "0", "--no-log-json")

    assert ends(asked.stderr) == ["done"]
    assert '"event"' not in not_asked.stderr


def test_a_night_that_fails_says_so_in_json_alone(tmp_path, monkeypatch, capfd) -> None:
    command = ["pulselake", "ingest", str(tmp_path / "nowhere"), str(tmp_path / "lake")]
    monkeypatch.setattr(sys, "argv", [*command, "--log-json"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    told = capfd.readouterr().err

    assert left.value.code == 1
    assert "nowhere" in lines(told)[-1]["event"]
    assert ends(told) == ["failed"]


def test_a_night_and_a_status_leave_metrics_that_lie_side_by_side(config, tmp_path) -> None:
    night, status = tmp_path / "night.prom", tmp_path / "lake.prom"
    run("nightly", config.source, config.lake, *QUICK, "--metrics-file", str(night))
    run("status", config.lake, "--no-plan", "--metrics-file", str(status))
    families = [
        {family.name for family in text_string_to_metric_families(file.read_text())}
        for file in (night, status)
    ]

    assert "pulselake_run_last_good_timestamp_seconds" in families[0]
    assert "pulselake_lake_last_good_timestamp_seconds" in families[1]
    assert not families[0] & families[1]


def test_status_tells_a_monitor_how_old_the_last_good_night_is(config) -> None:
    run("nightly", f"{config.source}-typo", config.lake, *QUICK)
    status = json.loads(run("status", config.lake, "--no-plan", "--json").stdout)
    (night,) = [one for one in status["flows"] if one["flow"] == "nightly"]

    assert night["outcome"] == "failed"
    assert night["good_age_s"] > night["age_s"] >= 0
    assert (status["next"], status["waiting"]) == (None, None)


def test_status_counts_what_waits_by_step(config, ward) -> None:
    run("nightly", config.source, config.lake, *QUICK)
    min(ward.rglob("*.hea")).touch()
    status = json.loads(run("status", config.lake, "--json").stdout)

    assert status["waiting"] == {"ward": {"ingest": 1}}


def test_a_port_that_is_none_is_a_usage_error(config) -> None:
    done = run("nightly", config.source, config.lake, "--metrics-port", "http")

    assert done.exit_code == 2
    assert "metrics-port" in done.output


def test_a_flow_that_prefect_runs_logs_json_from_its_first_line(config) -> None:
    told = config.model_dump(include={"source", "lake", "dataset", "workers"})
    code = f"from flows.ingest import *; ingest(IngestConfig(**{told!r}))"
    settings = Path(infra.__file__).parent / "watch" / "prefect-logging.yaml"
    environment = {
        "PREFECT_API_URL": PREFECT_API_URL.value(),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_LOGGING_SETTINGS_PATH": str(settings),
        "PULSELAKE_LOG_JSON": "1",
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = lines(done.stderr)

    assert told[0]["event"].startswith("Beginning flow run")
    assert told[0]["flow_run_id"]
    assert ends(done.stderr) == ["done"]
    assert [line["task_run_name"] for line in told if "task_run_name" in line]
