"""From nothing to nights on two Ray nodes, one of which loses its worker half-way."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun

from infra.demo.s3 import EmbeddedS3, embedded_s3, upload
from ops.lake import Lake
from tests.infra.hospital import (
    Hospital,
    hospital,
    kill,
    rows_of,
    two_ray_nodes,
    wait_until,
    write_ward,
)
from tests.s3_proxy import S3Proxy, after, s3_proxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ON_RAY = {"workers": 2, "restorer": "classical", "commit_every_s": 0}


@pytest.fixture(scope="module")
def s3() -> Iterator[EmbeddedS3]:
    with embedded_s3() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(s3: EmbeddedS3) -> Iterator[S3Proxy]:
    """The S3 server as all processes reach it, and the tests too."""
    with s3_proxy(s3.endpoint_url) as proxy, s3.in_environment():
        yield proxy


@pytest.fixture(scope="module")
def deployed(
    s3: EmbeddedS3, proxy: S3Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hospital]:
    """The deployments of a ward on S3, whose flows work on two Ray nodes; as yet no worker."""
    home = tmp_path_factory.mktemp("hospital")
    upload(write_ward(home / "ward"), s3.url("ward"), **s3.storage_options)
    environment = {
        **s3.environment,
        "AWS_ENDPOINT_URL": proxy.endpoint_url,
        "PULSELAKE_SOURCE": s3.url("ward"),
        "PULSELAKE_LAKE": s3.url("lake"),
        "PULSELAKE_DATASET": "ward",
    }
    with ExitStack() as until_left:
        ray = until_left.enter_context(two_ray_nodes(home, environment))
        place = until_left.enter_context(hospital(home, environment | ray))
        place.deploy()
        yield place


@pytest.fixture(scope="module")
def night(deployed: Hospital) -> FlowRun:
    """A night that nothing has disturbed."""
    with deployed.worker():
        return deployed.wait_for(deployed.start("nightly/nightly", ON_RAY), 180)


def test_a_night_on_two_nodes_leaves_its_rows_and_its_tables(deployed, night, s3) -> None:
    (run,) = Lake(s3.url("lake")).scan("runs").collect().iter_rows(named=True)
    kinds = {(artifact.key, artifact.type) for artifact in deployed.artifacts(night.id)}
    tables = rows_of(s3.url("lake"))

    assert night.state.is_completed(), deployed.said()
    assert run["outcome"] == "done"
    assert {("pulselake-nightly", "table"), ("pulselake-audit-errors", "markdown")} <= kinds
    assert all(tables[name].height for name in ("windows", "backfill", "audit", "quarantine"))


def worker_alone(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("dies", "message"),
    [
        pytest.param(kill, "Nothing was heard of this run", id="with-its-machine"),
        pytest.param(worker_alone, "Execution was aborted", id="alone"),
    ],
)
def test_a_night_whose_worker_is_killed_is_started_again_and_ends_with_the_same_rows(
    deployed, night, s3, proxy, dies: Callable[[int], None], message: str
) -> None:
    lake = s3.url(f"killed-{dies.__name__}")
    run_id = kill_amid(deployed, proxy, lake, dies)
    with deployed.worker():
        again = deployed.wait_for(run_id, 240)
    with deployed.client as client:
        states = client.read_flow_run_states(run_id)

    assert again.state.is_completed(), deployed.said()
    assert again.run_count == 2
    assert any(message in (state.message or "") for state in states if state.is_crashed())
    ours, theirs = rows_of(lake), rows_of(s3.url("lake"))
    assert ours.keys() == theirs.keys()
    for table, rows in ours.items():
        assert rows.equals(theirs[table]), table


def kill_amid(deployed: Hospital, proxy: S3Proxy, lake: str, dies: Callable[[int], None]) -> UUID:
    """Start a night on a new lake, and kill its worker as a first shard is committed."""
    committed = f"/{Path(lake).name}/backfill/_delta_log/.*json"
    with deployed.worker() as worker:
        proxy.on("PUT", committed, after(lambda: dies(worker.pid)), last=1)
        run_id = deployed.start("nightly/nightly", ON_RAY | {"lake": lake})
        worker.wait(180)
    wait_until(lambda: Lake(lake).open("backfill"), "a first shard")
    return run_id
