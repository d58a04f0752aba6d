"""Ray clusters of several nodes, all of them on this machine."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
UP_S = 90.0


def new_token() -> dict[str, str]:
    """Variables of a cluster that asks for a token."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextmanager
def head_node(*options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the head of a cluster; give its address once other nodes can join."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _node("--head", f"--port={port}", "--include-dashboard=false", *options) as head:
        _wait_until(lambda: _is_listening(port) and _is_up(head), head)
        yield f"127.0.0.1:{port}", head


@contextmanager
def other_node(address: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node that joins a cluster."""
    with _node(f"--address={address}", *options) as other:
        _wait_until(lambda: _is_up(other), other)
        yield other


def lose(node: subprocess.Popen[bytes]) -> None:
    """Let a node and all of its processes be gone at once."""
    for one in [*descendants(node.pid), node.pid]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    node.wait()


def actors_below(pid: int) -> list[int]:
    """The pool's actors on a node, by process id."""
    return [one for one in descendants(pid) if _title(one).startswith("ray::_Host")]


def descendants(pid: int) -> list[int]:
    return [one for child in _children(pid) for one in (*descendants(child), child)]


@contextmanager
def _node(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node that ends with the block, and all of its processes with it."""
    command = [RAY, "start", "--block", "--disable-usage-stats", *options]
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


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _title(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_up(node: subprocess.Popen[bytes]) -> bool:
    """Tell whether a node has its agents, which come last."""
    return any("RuntimeEnvAgent" in _title(one) for one in descendants(node.pid))


def _wait_until(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_S
    while not there():
        assert process.poll() is None, "the node ended before it was up"
        assert time.monotonic() < deadline
        time.sleep(0.1)
