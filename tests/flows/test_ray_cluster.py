"""A Ray cluster that others run: its nodes have libraries, a token, and a GPU or none."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows
from flows.actors.cluster import cluster
from flows.actors.filler import Filler
from flows.actors.reached import reached
from flows.backfill_plan import filling
from flows.config import BackfillConfig
from models.tricardio.checkpoint import save_tricardio
from ops.lake import Lake
from tests.ray_nodes import descendants, head_node, new_token, other_node


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster that asks for a token: the head has no GPU, the other node says that it has one."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in new_token().items():
            patch.setenv(name, value)
        with (
            head_node("--num-cpus=2", "--num-gpus=0") as (address, _),
            other_node(address, "--num-cpus=2", "--num-gpus=1"),
        ):
            yield address


@pytest.fixture(scope="module")
def seen(address, small_tricardio, first_night, tmp_path_factory) -> dict:
    """What a driver saw of the cluster: see ``tests.flows.driving``."""
    path = tmp_path_factory.mktemp("checkpoint") / "t.safetensors"
    save_tricardio(path, small_tricardio(), name="made-up", origin="a test", licence="none")
    command = ["-m", "tests.flows.driving", address, str(path), first_night[0].lake]
    driven = subprocess.run(  # noqa: S603
        [sys.executable, *command], capture_output=True, text=True, timeout=150, check=False
    )
    assert driven.returncode == 0, driven.stderr
    return dict(json.loads(driven.stdout))


@pytest.mark.slow
def test_actors_without_a_gpu_leave_its_node_alone(seen) -> None:
    assert {node for node, _ in seen["readers"]} == {seen["without"]}
    assert {node for node, _ in seen["fillers"]} == {seen["with_gpu"]}


@pytest.mark.slow
def test_actors_run_the_code_that_travelled(seen) -> None:
    files = {file for _, file in seen["readers"] + seen["fillers"]}

    assert files
    assert all("_ray_pkg_" in file for file in files)
    assert str(flows.__file__) not in files


@pytest.mark.slow
def test_a_checkpoint_that_is_not_its_cards_is_refused_on_the_node(seen) -> None:
    assert "t.safetensors is not the file of its card: SHA-256" in seen["refusal"]


def test_a_node_with_another_model_than_the_runs_fills_nothing(config) -> None:
    given = BackfillConfig(lake=config.lake, restorer="classical", workers=0)
    spec = filling(Lake(config.lake), given).spec

    with pytest.raises(ValueError, match="has another model than the run was planned by, classic"):
        Filler(given, "run", spec[::-1])


@pytest.mark.slow
def test_a_driver_without_the_clusters_token_is_refused_in_one_sentence(address, tmp_path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "r.hea").write_text("r 0 125 0\n")
    command = ["ingest", str(source), str(tmp_path / "lake"), "--ray-address", address]
    another = {"RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_NUM_REDIS_GET_RETRIES": "1"}
    night = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", *command, "--workers", "1"],
        env={**os.environ, **another},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert night.returncode == 1
    (line,) = [line for line in night.stderr.splitlines() if line.strip()]
    assert "refuses this token: set RAY_AUTH_TOKEN" in line
    assert os.environ["RAY_AUTH_TOKEN"] not in line


@pytest.mark.slow
def test_a_driver_on_no_node_of_the_cluster_is_told_how_it_becomes_one() -> None:
    patience = {"RAY_gcs_server_request_timeout_seconds": "3"}
    code = (
        "import sys; from flows.actors.cluster import cluster; cluster(sys.argv[1], 1).__enter__()"
    )
    with head_node("--num-cpus=1") as (address, head):
        head.send_signal(signal.SIGSTOP)  # or it would end with its node
        try:
            lose_raylet(head)
            driver = subprocess.run(  # noqa: S603
                [sys.executable, "-c", code, address],
                env={**os.environ, **patience},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        finally:
            head.send_signal(signal.SIGCONT)

    last = driver.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"ConnectionError: this machine is no node of the Ray cluster at {address}"
    )
    assert f"ray start --address={address} --num-cpus=0" in last


def lose_raylet(head: subprocess.Popen[bytes]) -> None:
    """Let a node be gone whose cluster stays."""
    names = {one: Path(f"/proc/{one}/comm").read_text().strip() for one in descendants(head.pid)}
    (raylet,) = [one for one, name in names.items() if name == "raylet"]
    os.kill(raylet, signal.SIGKILL)


def test_what_else_keeps_ray_from_connecting_is_told_as_it_is() -> None:
    own = ConnectionError("of another kind")

    with pytest.raises(ConnectionError, match=r"^of another kind$"), reached("auto"):
        raise own


@pytest.mark.parametrize("form", ["{}", "ray://{}"])
def test_an_address_at_which_nothing_listens_is_told_at_once(form) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = form.format(f"127.0.0.1:{probe.getsockname()[1]}")

        with pytest.raises(ConnectionError, match="no Ray cluster answers at"), cluster(nobody, 1):
            pytest.fail("it connected")


def test_the_code_that_travels_is_whole_and_brings_its_weights() -> None:
    from flows.actors.travelling import travelling_code

    with travelling_code() as folder:
        there = {str(path.relative_to(folder)) for path in Path(folder).rglob("*")}

    assert {"flows/actors/reader.py", "ops/lake/lake.py", "schemas/windows.py"} <= there
    assert any(name.endswith("tricardio-1.safetensors") for name in there)
    assert not any("__pycache__" in name for name in there)
