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
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from infra.demo.s3 import upload

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


@pytest.fixture
def two_nodes(s3, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of two nodes, whose actors reach the S3 server."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with ExitStack() as nodes:
        head = node("--head", f"--port={port}", "--include-dashboard=false")
        wait_until(lambda: is_listening(port), nodes.enter_context(head))
        nodes.enter_context(node(f"--address={address}"))
        yield address


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(there, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_S
    while not there():
        assert process.poll() is None, "the node ended before it was up"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_nodes_make_the_rows_of_one(config, ward, s3, two_nodes, rows_of) -> None:
    source, lake = s3.url("nodes", "ward"), s3.url("nodes", "lake")
    upload(ward, source, **s3.storage_options)
    options = ["--restorer=classical", "--workers=2", f"--ray-address={two_nodes}", "--json"]
    night = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", "nightly", source, lake, *options],
        env={**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert night.returncode == 0, night.stderr
    summary = json.loads(night.stdout)
    assert summary["devices"] == 2  # each node has room for one actor
    ours, theirs = rows_of(lake), rows_of(config.lake)
    for table in ("windows", "numerics", "backfill"):
        assert ours[table].equals(theirs[table]), table
