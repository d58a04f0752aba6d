"""Actors and Ray's workers die, by what they read or by chance: the rest of the night is done."""

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from flows.actors.cluster import cluster
from flows.actors.filler import Filler
from flows.actors.reader import Reader
from flows.nightly import nightly

READER_DIES, FILLER_DIES = "ward-b/b0109", "ward-b/b0105"
DEADLINE_S = 60
pytestmark = pytest.mark.timeout(400)  # every actor that is killed has another one come up


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    """One cluster for these nights, which keep one that is there."""
    with cluster(None, 2):
        yield


class DyingReader(Reader):
    """Its process does not survive one record."""

    def work(self, planned):
        if planned.record_id == READER_DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().work(planned)


class DyingFiller(Filler):
    """Its process does not survive the shards of one record."""

    def work(self, shard):
        if shard.record_id == FILLER_DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().work(shard)


def test_what_kills_its_actor_three_times_is_quarantined_and_the_rest_is_done(
    fresh, undisturbed, two_workers, rows_of, monkeypatch
) -> None:
    monkeypatch.setattr("flows.ingest.Reader", DyingReader)
    monkeypatch.setattr("flows.backfill.Filler", DyingFiller)
    summary = nightly(fresh.model_copy(update={"workers": 2}))

    ours, expected = rows_of(fresh.lake), rows_of(undisturbed.lake)
    died = ours["quarantine"].filter(pl.col("step").is_in(["ingest", "backfill"]))
    assert summary.shards_quarantined == 1
    assert died.select("record_id", "step", "attempts").rows() == [
        (FILLER_DIES, "backfill", 3),
        (READER_DIES, "ingest", 3),
    ]
    assert all(
        reason.endswith(
            "was given up: each process that worked on it died, killed or out of memory"
        )
        for reason in died["reason"]
    )
    for table, gone in (("windows", {READER_DIES}), ("backfill", {READER_DIES, FILLER_DIES})):
        assert ours[table].equals(expected[table].filter(~pl.col("record_id").is_in(gone))), table


@pytest.mark.parametrize("kills", [4, pytest.param(25, marks=pytest.mark.slow)])
def test_actors_killed_at_random_cost_no_record_and_no_shard(
    fresh, undisturbed, two_workers, hashes, kills
) -> None:
    told = {"workers": 2, "attempts": 100}  # chance may hit one item often
    with killing(kills, random.Random(kills)) as killed:  # noqa: S311
        summary = nightly(fresh.model_copy(update=told))

    assert killed
    assert [line.step for line in summary.quarantined] == ["read"]
    assert hashes(fresh.lake) == hashes(undisturbed.lake)


@contextmanager
def killing(most: int, rng: random.Random) -> Iterator[list[int]]:
    """Kill actors of this process's cluster, one at random every now and then."""
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while len(killed) < most and not done.wait(rng.uniform(0, 0.6)):
            if there := actors_below(os.getpid()):
                killed.append(rng.choice(there))
                os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


def actors_below(pid: int) -> list[int]:
    """The pool's actors in the cluster that a process has started, by process id."""
    return [
        actor
        for raylet in children(pid)
        for actor in children(raylet)
        if title(actor).startswith("ray::_Host")
    ]


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.glob("*/children") for child in task.read_text().split()]


def title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_a_driver_that_is_killed_takes_its_cluster_along(
    fresh, undisturbed, nights, hashes
) -> None:
    mark = uuid.uuid4().hex
    status, said = nights.run(
        fresh.model_copy(update={"workers": 2}),
        environment={"PULSELAKE_NIGHT": mark},
        of="ops.lake.commit:_transact",
        told="records",
    )
    deadline = time.monotonic() + DEADLINE_S
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    nightly(fresh)

    assert status == -signal.SIGKILL, said
    assert left == []
    assert hashes(fresh.lake) == hashes(undisturbed.lake)


def marked(mark: str) -> list[str]:
    """Processes that were started by a command with that mark in its environment.

    Ray's agents of a node are left out: they hold nothing, and leave a minute after the rest.
    """
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_marked = mark.encode() in environment.read_bytes()
        except OSError:
            continue
        if is_marked:
            found.append(title(int(environment.parent.name)))
    return [name for name in found if name and "Agent" not in name]
