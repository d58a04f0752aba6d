"""A night on a Ray cluster of two nodes, both of them on this machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from flows.actors.filler import Filler
from infra.demo.s3 import upload
from tests.ray_nodes import UP_S, actors_below, head_node, lose, new_token, other_node
from tests.s3_proxy import S3Proxy, after, s3_proxy


@dataclass
class TwoNodes:
    """A cluster's address, and the processes of its nodes: the head's first."""

    address: str
    nodes: list[subprocess.Popen[bytes]]
    readers: set[int] = field(default_factory=set)
    fillers: list[int] = field(default_factory=lambda: [0, 0])

    def see_readers(self) -> None:
        self.readers |= {pid for one in self.nodes for pid in actors_below(one.pid)}

    def see_fillers(self) -> None:
        """Count on each node the actors that are none of the readers'."""
        there = [len(set(actors_below(one.pid)) - self.readers) for one in self.nodes]
        self.fillers = [max(pair) for pair in zip(there, self.fillers, strict=True)]

    def wait_for_readers(self) -> None:
        """Wait until an actor has come up on each node."""
        self._wait(lambda: all(actors_below(one.pid) for one in self.nodes))

    def wait_for_fillers(self) -> None:
        """Wait until an actor that is none of the readers' has come up on each node."""
        self._wait(lambda: all(set(actors_below(one.pid)) - self.readers for one in self.nodes))

    def _wait(self, there) -> None:
        deadline = time.monotonic() + UP_S
        while not there():
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def proxy(s3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """The S3 server behind a proxy, for the nodes' actors and the driver."""
    with s3_proxy(s3.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint_url)
        yield proxy


@pytest.fixture
def options_of_nodes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each node has."""
    return ("--num-cpus=1",), ("--num-cpus=1",)


@pytest.fixture
def two_nodes(proxy, options_of_nodes, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoNodes]:
    """A cluster of two nodes, whose actors reach the S3 server."""
    for name, value in new_token().items():
        monkeypatch.setenv(name, value)
    first, second = options_of_nodes
    with head_node(*first) as (address, head), other_node(address, *second) as other:
        yield TwoNodes(address, [head, other])


def run_night(s3, place: str, ward: Path, two_nodes: TwoNodes, rows_of, *more: str) -> tuple:
    """Run a night on both nodes; give its summary, the rows of its lake and what it logged."""
    source, lake = s3.url(place, "ward"), s3.url(place, "lake")
    upload(ward, source, **s3.storage_options)
    options = ["--restorer=classical", "--workers=2", f"--ray-address={two_nodes.address}", *more]
    night = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", "nightly", source, lake, *options, "--json"],
        env={**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert night.returncode == 0, night.stderr
    return json.loads(night.stdout), rows_of(lake), night.stderr


def assert_same(ours, theirs) -> None:
    for table in ("windows", "numerics", "backfill"):
        assert ours[table].equals(theirs[table]), table


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one(config, ward, s3, proxy, two_nodes, rows_of) -> None:
    proxy.on("PUT", "/lake/windows/.*parquet", after(two_nodes.see_readers))
    held = after(two_nodes.wait_for_fillers)  # all that the first has in hand
    proxy.on("PUT", "/lake/backfill/.*parquet", held, last=Filler.IN_HAND)
    summary, ours, _ = run_night(s3, "nodes", ward, two_nodes, rows_of)

    assert summary["devices"] == 2  # each node has room for one actor
    assert_same(ours, rows_of(config.lake))


@pytest.mark.slow
@pytest.mark.parametrize("step", ["ingest", "backfill"])
def test_a_node_that_is_lost_amid_a_night_costs_no_row(
    step, config, ward, s3, proxy, two_nodes, rows_of
) -> None:
    lost = []

    def lose_the_second() -> None:
        wait()
        lose(two_nodes.nodes[1])
        lost.append(time.monotonic())

    table, wait = {
        "ingest": ("windows", two_nodes.wait_for_readers),
        "backfill": ("backfill", two_nodes.wait_for_fillers),
    }[step]
    proxy.on("PUT", f"/lake/{table}/.*parquet", after(lose_the_second), last=1)
    proxy.on("PUT", "/lake/windows/.*parquet", after(two_nodes.see_readers))
    summary, ours, logged = run_night(s3, f"lost-{step}", ward, two_nodes, rows_of, "--log-json")
    theirs = rows_of(config.lake)

    assert len(lost) == 1
    assert summary["shards_quarantined"] == 0
    told = ["record_id", "step"]
    assert ours["quarantine"].select(told).equals(theirs["quarantine"].select(told))
    assert_same(ours, theirs)
    lines = [json.loads(line) for line in logged.splitlines()]
    tried_again = [line for line in lines if line["event"].startswith("attempt 1 of 3: ")]
    assert summary["items"][step]["retried"] == len(tried_again)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options_of_nodes", [(("--num-cpus=2",), ("--num-cpus=2", "--num-gpus=1"))]
)
def test_nodes_without_a_gpu_read_and_the_one_that_has_it_fills(
    config, ward, s3, proxy, two_nodes, rows_of
) -> None:
    proxy.on("PUT", "/lake/windows/.*parquet", after(two_nodes.see_readers))
    proxy.on("PUT", "/lake/backfill/.*parquet", after(two_nodes.see_fillers))
    summary, ours, _ = run_night(s3, "gpu", ward, two_nodes, rows_of, "--gpus-per-actor=1")

    without, having = (set(actors_below(one.pid)) for one in two_nodes.nodes)
    assert two_nodes.readers
    assert not (two_nodes.readers & having)
    assert two_nodes.fillers == [0, 1]
    assert summary["devices"] == 1
    assert without == set()  # all have left
    assert_same(ours, rows_of(config.lake))
