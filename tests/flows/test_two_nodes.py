"""A night on a Ray cluster of two nodes, both of them on this machine."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from flows.actors.filler import Filler
from infra.demo.s3 import upload
from tests.s3_proxy import S3Proxy, after, s3_proxy

RAY = Path(sys.executable).with_name("ray")
UP_S = 90.0


@contextmanager
def node(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node of one CPU that ends with the block, and all of its processes with it."""
    command = [RAY, "start", "--block", "--num-cpus=1", "--disable-usage-stats", *options]
    started = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@dataclass
class TwoNodes:
    """A cluster's address, and the processes of its nodes: the head's first."""

    address: str
    nodes: list[subprocess.Popen[bytes]]
    readers: set[int] = field(default_factory=set)

    def see_readers(self) -> None:
        self.readers |= {pid for one in self.nodes for pid in actors_below(one.pid)}

    def wait_for_fillers(self) -> None:
        """Wait until an actor that is none of the readers' has come up on each node."""
        deadline = time.monotonic() + UP_S
        while not all(set(actors_below(one.pid)) - self.readers for one in self.nodes):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def lose_the_second(self) -> None:
        pid = self.nodes[1].pid
        for one in [*descendants(pid), pid]:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.nodes[1].wait()


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (*descendants(child), child)]


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def actors_below(pid: int) -> list[int]:
    """The pool's actors on a node, by process id."""
    return [one for one in descendants(pid) if title(one).startswith("ray::_Host")]


def title(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@pytest.fixture
def proxy(s3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """The S3 server behind a proxy, for the nodes' actors and the driver."""
    with s3_proxy(s3.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        yield proxy


@pytest.fixture
def two_nodes(proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoNodes]:
    """A cluster of two nodes, whose actors reach the S3 server."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with ExitStack() as nodes:
        head = nodes.enter_context(node("--head", f"--port={port}", "--include-dashboard=false"))
        wait_until(lambda: is_listening(port) and is_up(head), head)
        second = nodes.enter_context(node(f"--address={address}"))
        wait_until(lambda: is_up(second), second)
        yield TwoNodes(address, [head, second])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_up(node: subprocess.Popen[bytes]) -> bool:
    """Tell whether a node has its agents, which come last."""
    return any("RuntimeEnvAgent" in title(one) for one in descendants(node.pid))


def wait_until(there, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_S
    while not there():
        assert process.poll() is None, "the node ended before it was up"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def run_night(s3, place: str, ward: Path, two_nodes: TwoNodes, rows_of) -> tuple[dict, dict]:
    """Run a night on both nodes; give its summary and the rows of its lake."""
    source, lake = s3.url(place, "ward"), s3.url(place, "lake")
    upload(ward, source, **s3.storage_options)
    options = ["--restorer=classical", "--workers=2", f"--ray-address={two_nodes.address}"]
    night = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", "nightly", source, lake, *options, "--json"],
        env={**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert night.returncode == 0, night.stderr
    return json.loads(night.stdout), rows_of(lake)


def assert_same(ours, theirs) -> None:
    for table in ("windows", "numerics", "backfill"):
        assert ours[table].equals(theirs[table]), table


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one(config, ward, s3, proxy, two_nodes, rows_of) -> None:
    proxy.on("PUT", "/lake/windows/.*parquet", after(two_nodes.see_readers))
    held = after(two_nodes.wait_for_fillers)  # all that the first has in hand
    proxy.on("PUT", "/lake/backfill/.*parquet", held, last=Filler.IN_HAND)
    summary, ours = run_night(s3, "nodes", ward, two_nodes, rows_of)

    assert summary["devices"] == 2  # each node has room for one actor
    assert_same(ours, rows_of(config.lake))


@pytest.mark.slow
def test_a_node_that_is_lost_amid_a_night_costs_no_row(
    config, ward, s3, proxy, two_nodes, rows_of
) -> None:
    lost = []

    def lose() -> None:
        two_nodes.wait_for_fillers()
        two_nodes.lose_the_second()
        lost.append(time.monotonic())

    proxy.on("PUT", "/lake/windows/.*parquet", after(two_nodes.see_readers))
    proxy.on("PUT", "/lake/backfill/.*parquet", after(lose), last=1)
    summary, ours = run_night(s3, "lost", ward, two_nodes, rows_of)
    theirs = rows_of(config.lake)

    assert len(lost) == 1
    assert summary["shards_quarantined"] == 0
    told = ["record_id", "step"]
    assert ours["quarantine"].select(told).equals(theirs["quarantine"].select(told))
    assert_same(ours, theirs)
