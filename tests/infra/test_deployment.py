"""A Prefect server and the image's worker on this machine, told of the flows as the image does."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Completed, Running
from prometheus_client.parser import text_string_to_metric_families

from ops.lake import Lake
from tests.infra.hospital import Hospital, free_port, hospital, wait_until, write_ward

pytestmark = pytest.mark.timeout(300)
HERE = {"workers": 0, "restorer": "classical"}
BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
ZONE = TOKYO if datetime.now(BERLIN).hour in (1, 2) else BERLIN
"""Where it will not be two o'clock while these tests run."""


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A webhook: its URL, and what it was told."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks/a-secret-path", heard
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, told) -> Iterator[Hospital]:
    """The deployments of a ward, and a worker for them."""
    home = tmp_path_factory.mktemp("hospital")
    environment = {
        "PULSELAKE_SOURCE": str(write_ward(home / "ward")),
        "PULSELAKE_LAKE": str(home / "lake"),
        "PULSELAKE_DATASET": "ward",
        "PULSELAKE_TIMEZONE": ZONE.key,
        "PULSELAKE_NIGHT": json.dumps(HERE),
        "PULSELAKE_SCRAPE_PORT": str(free_port()),
    }
    secret = {"PULSELAKE_NOTIFY_URL": told[0], "AWS_SECRET_ACCESS_KEY": "a-secret-key"}
    with hospital(home, environment) as place:
        place.deploy_by_the_image()
        with place.worker_of_the_image(**secret):
            yield place


@pytest.fixture(scope="module")
def night(deployed: Hospital) -> FlowRun:
    return deployed.wait_for(deployed.start("nightly/nightly", HERE))


def test_the_night_is_put_on_the_calendar_at_two_oclock_of_the_hospital(deployed) -> None:
    def scheduled() -> list[FlowRun]:
        with deployed.client as client:
            return [run for run in client.read_flow_runs() if run.auto_scheduled]

    wait_until(scheduled, "a run at 02:00", 30)

    assert {run.expected_start_time.astimezone(ZONE).hour for run in scheduled()} == {2}


def test_a_form_asks_for_what_is_meant_first_and_explains_every_option(deployed) -> None:
    names = {"nightly", "backfill", "audit", "annotate"}
    with deployed.client as client:
        schemas = {d.name: d.parameter_openapi_schema for d in client.read_deployments()}

    assert schemas.keys() == names
    for schema in schemas.values():
        (form,) = schema["definitions"].values()
        options = sorted(form["properties"].items(), key=lambda item: item[1]["position"])
        order = [name for name, _ in options]
        assert order[: len(form["required"])] == [n for n in order if n in form["required"]]
        assert all(option["title"] and option["description"] for _, option in options)
        assert all("default" in option or name in ASKED for name, option in options)


ASKED = {"source", "lake", "workers"}
"""Options without a default: of workers there are as many as the worker's machine has CPUs."""


def test_a_choice_is_a_list_to_choose_from(deployed) -> None:
    with deployed.client as client:
        schema = client.read_deployment_by_name("nightly/nightly").parameter_openapi_schema
    options = schema["definitions"]["NightlyConfig"]["properties"]

    assert options["restorer"]["anyOf"][0]["enum"] == ["tricardio", "classical", "unicardio"]
    assert options["translate"]["items"]["enum"] == ["ecg", "ppg", "abp"]


def test_no_form_takes_the_key_of_a_deidentified_lake(deployed) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="'deid_key' was unexpected") as refused:
        deployed.start("nightly/nightly", {"deid_key": "a key of sixteen and more"})

    assert "a key of sixteen" not in str(refused.value)


def test_a_night_started_through_the_api_leaves_its_rows_and_its_tables(deployed, night) -> None:
    lake = Lake(deployed.environment["PULSELAKE_LAKE"])
    kinds = {(artifact.key, artifact.type) for artifact in deployed.artifacts(night.id)}

    assert night.state.is_completed(), deployed.said()
    assert lake.scan("runs").filter(flow="nightly").collect()["outcome"].to_list() == ["done"]
    assert lake.scan("backfill").collect().height
    assert {("pulselake-nightly", "table"), ("pulselake-audit-errors", "markdown")} <= kinds
    assert set(night.tags) == {"pulselake", "nightly"}


def test_the_worker_logs_json_of_itself_and_of_its_flows(deployed, night) -> None:
    log = (deployed.home / "worker.log").read_text().rpartition("\n")[0].splitlines()
    lines = [json.loads(line) for line in log if line.startswith("{")]
    text = " ".join(line for line in log if not line.startswith("{"))
    runs = Lake(deployed.environment["PULSELAKE_LAKE"]).scan("runs")
    (run_id,) = runs.filter(flow="nightly").collect()["run_id"]
    of_night = [line for line in lines if line.get("run_id") == run_id]

    assert {"prefect.flow_runs", "prefect.flow_runs.worker"} <= {line["logger"] for line in lines}
    assert [line["outcome"] for line in of_night if line["event"] == "run ended"] == ["done"]
    assert {line["record"] for line in of_night if "record" in line}
    assert re.fullmatch(r"\s*Worker 'ProcessWorker \S+' started!\s*", text)


def test_prometheus_finds_how_the_night_ended_where_the_worker_serves_it(deployed, night) -> None:
    port, lake = (deployed.environment[f"PULSELAKE_{name}"] for name in ("SCRAPE_PORT", "LAKE"))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    ended = {
        one.labels["outcome"]: one.value
        for family in families
        for one in family.samples
        if one.name == "pulselake_run_outcome" and one.labels["lake"] == lake
    }

    assert ended == {"running": 0, "done": 1, "failed": 0}


def test_deploying_again_changes_what_has_changed_and_nothing_else(deployed) -> None:
    def there() -> tuple[dict[str, UUID], set[UUID]]:
        with deployed.client as client:
            deployments = {one.name: one.id for one in client.read_deployments()}
            return deployments, {one.id for one in client.read_automations()}

    before = there()
    said = deployed.deploy_by_the_image(PULSELAKE_BACKFILL='{"seed": 7}')
    with deployed.client as client:
        options = {
            one.name: set(one.parameters["config"].items()) for one in client.read_deployments()
        }

    assert there() == before
    assert len(before[1]) == 3
    assert "automation" not in said
    assert options["backfill"] >= {*HERE.items(), ("seed", 7), ("dataset", "ward")}
    for name in ("nightly", "audit"):
        assert options[name] >= set(HERE.items())
        assert not any(option == "seed" for option, _ in options[name])
    assert ("workers", 0) in options["annotate"]


@pytest.mark.slow
def test_a_run_waits_while_one_of_another_deployment_is_at_work_on_its_lake(
    deployed, night
) -> None:
    with deployed.client as client:
        other = client.read_deployment_by_name("backfill/backfill")
        at_work = client.create_flow_run_from_deployment(other.id, state=Running())
        waits = deployed.start("audit/audit", HERE)
        waiting = f"is at work by run {at_work.name}"
        # A log that goes to no terminal is broken into lines of 80 letters.
        wait_until(lambda: waiting in " ".join(deployed.said().split()), "its turn")
        meanwhile = client.read_flow_run(waits)
        client.set_flow_run_state(at_work.id, Completed(), force=True)
    ended = deployed.wait_for(waits)

    assert meanwhile.state.is_running()
    assert ended.state.is_completed(), deployed.said()


def test_a_night_that_fails_is_tried_again_and_then_told(deployed, told, tmp_path: Path) -> None:
    missing = {"source": str(tmp_path / "gone"), "lake": str(tmp_path / "lake")}
    tried = {
        "PREFECT_FLOWS_DEFAULT_RETRIES": "1",
        "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "1",
    }
    failed = deployed.wait_for(deployed.start("nightly/nightly", HERE | missing, **tried))
    wait_until(lambda: told[1], "the webhook's message")
    (message,) = told[1]

    assert failed.state.is_failed()
    assert failed.run_count == 2
    assert message["run"] == failed.name
    assert message["text"].startswith(f"pulselake nightly failed on lake {tmp_path}/lake: ")
    assert str(tmp_path / "gone") in message["text"]
    assert "secret" not in json.dumps(message) + deployed.said()
