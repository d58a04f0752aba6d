"""A small archive, its undisturbed night, and nights that die where they are told to."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL

from flows.config import NightlyConfig
from flows.nightly import nightly
from infra.demo.archive import CASES

ROOT = Path(__file__).parents[3]
TOLD = ("0105", "107", "0109", "110", "0112")
"""No arterial line; a cuff in numerics; gaps; segments; a signal file cut short."""


@dataclass(frozen=True)
class Nights:
    """Nights in processes of their own; each is forked from one that has imported all it needs."""

    process: subprocess.Popen[str]

    def start(
        self,
        config: NightlyConfig,
        *,
        environment: dict[str, str] | None = None,
        user: int | None = None,
        **dies: Any,
    ) -> int:
        """Start ``pulselake nightly`` and give its process id.

        ``dies`` names the moment of its death, see ``dying``; only root can give it a ``user``.
        """
        told = config.model_dump(exclude={"source", "lake"}, exclude_unset=True)
        options = [
            word
            for name, value in told.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))
        ]
        command = ["nightly", config.source, config.lake, *options]
        order = {"environment": environment or {}, "user": user, "dies": dies}
        return self._ask(command=command, **order)["pid"]

    def wait(self, pid: int) -> tuple[int, str]:
        """Wait for a night's end; give its exit status, and what it said."""
        answer = self._ask(wait=pid)
        return answer["status"], answer["said"]

    def run(self, config: NightlyConfig, **told: Any) -> tuple[int, str]:
        """Start a night and wait for its end."""
        return self.wait(self.start(config, **told))

    def mount(self, folder: Path, options: str) -> None:
        """Put a disk in memory there, which these nights alone see."""
        self._ask(mount=str(folder), options=options)

    def _ask(self, **order: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def make_nights() -> Iterator[Callable[..., Nights]]:
    """Start the process that nights are forked from, by a command before it if one is given."""
    started: list[subprocess.Popen[str]] = []

    def make(*command: str) -> Nights:
        # They use the tests' Prefect server: one of their own would outlive them.
        told = {
            "PREFECT_API_URL": PREFECT_API_URL.value(),
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(  # noqa: S603
            [*command, sys.executable, str(Path(__file__).with_name("dying.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **told},
        )
        started.append(process)
        return Nights(process)

    yield make
    for process in started:
        process.communicate()


@pytest.fixture(scope="session")
def nights(make_nights) -> Nights:
    return make_nights()


@pytest.fixture(scope="session")
def first(
    tmp_path_factory: pytest.TempPathFactory, nights: Nights, rows_of: Callable[..., Any]
) -> NightlyConfig:
    """A night of five short records, one of them cut short."""
    ward = tmp_path_factory.mktemp("small") / "ward"
    cases = [case for case in CASES if case.record_id.endswith(TOLD)]
    for seed, case in enumerate(cases):
        case.write(ward, replace(case, patient=replace(case.patient, seed=seed)), 32.0)
    (ward / "RECORDS").write_text("".join(f"{case.record_id}\n" for case in cases))
    config = NightlyConfig(
        source=str(ward),
        lake=str(ward.with_name("lake")),
        workers=0,
        restorer="classical",
        commit_every_s=0,
    )
    status, said = nights.run(config)
    assert status == 0, said
    assert not rows_of(config.lake)["backfill"].is_empty(), said
    return config


@pytest.fixture(scope="session")
def undisturbed(first: NightlyConfig) -> NightlyConfig:
    """The night that nothing has disturbed; to look at, not to change."""
    return first


@pytest.fixture
def fresh(undisturbed: NightlyConfig, tmp_path: Path) -> NightlyConfig:
    """The same night on a lake that is not there yet."""
    return undisturbed.model_copy(update={"lake": str(tmp_path / "lake")})


@pytest.fixture(scope="session")
def annotated(
    undisturbed: NightlyConfig, tmp_path_factory: pytest.TempPathFactory
) -> NightlyConfig:
    """A night that annotates too, which nothing has disturbed; to look at, not to change."""
    lake = tmp_path_factory.mktemp("annotated") / "lake"
    config = undisturbed.model_copy(
        update={"lake": str(lake), "annotate": True, "annotator": "rules"}
    )
    assert nightly(config).annotated
    return config


@pytest.fixture
def anew(annotated: NightlyConfig, tmp_path: Path) -> NightlyConfig:
    """The same night on a lake that is not there yet."""
    return annotated.model_copy(update={"lake": str(tmp_path / "lake")})


@pytest.fixture(scope="session")
def hashes(rows_of) -> Callable[[str], dict[str, str]]:
    """Hash the rows of each table but ``runs``, sorted by key, without the run and its times."""

    def of(lake_url: str) -> dict[str, str]:
        tables = rows_of(lake_url)
        return {
            name: sha256(repr(rows.rows()).encode()).hexdigest() for name, rows in tables.items()
        }

    return of
