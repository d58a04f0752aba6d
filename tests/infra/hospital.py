"""A hospital on this machine: Prefect's server and worker, two Ray nodes; each ends with its block.

Whatever is started is ended by its process id, and so is all that it has started itself.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import polars as pl
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import Artifact, FlowRun

from infra.demo.archive import CASES
from ops.lake import Lake
from schemas.tables import TABLES

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
IMAGES = ROOT / "infra" / "images"
UP_S = 120.0
TOLD = ("0105", "107", "0109", "110", "0112")
"""No arterial line; a cuff in numerics; gaps; segments; a signal file cut short."""


def write_ward(folder: Path) -> Path:
    """Write five records of half a minute, one of them cut short."""
    cases = [case for case in CASES if case.record_id.endswith(TOLD)]
    for seed, case in enumerate(cases):
        case.write(folder, replace(case, patient=replace(case.patient, seed=seed)), 32.0)
    (folder / "RECORDS").write_text("".join(f"{case.record_id}\n" for case in cases))
    return folder


def rows_of(lake_url: str) -> dict[str, pl.DataFrame]:
    """Give every row of a lake but those of ``runs``, sorted by key, without run and time."""
    lake, timeless = Lake(lake_url), ["run_id", "created_at", "ingested_at", "audited_at"]
    return {
        name: lake.scan(name)
        .drop(timeless, strict=False)
        .sort([column for column in table.key if column not in timeless])
        .collect()
        for name, table in TABLES.items()
        if name != "runs"
    }


def wait_until(there: Callable[[], object], what: str, most_s: float = UP_S) -> None:
    deadline = time.monotonic() + most_s
    while not there():
        assert time.monotonic() < deadline, f"{what} did not come within {most_s:g} s"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return [one for child in found for one in (*descendants(child), child)]


def kill(pid: int) -> None:
    """Kill a process and all below it, none of which has time to say goodbye."""
    for one in [pid, *descendants(pid)]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


@contextmanager
def running(
    command: list[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("ab") as said,
        subprocess.Popen(  # noqa: S603
            [str(BIN / command[0]), *command[1:]],
            cwd=log.parent,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            below = descendants(process.pid)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            for pid in below:
                kill(pid)
            kill(process.pid)


@dataclass(frozen=True)
class Hospital:
    """A Prefect server, and what its worker and commands have in their environment."""

    home: Path
    api_url: str
    environment: dict[str, str]

    def run_here(self, *command: str, **variables: str) -> str:
        """Run a command from where the code is; give what it said."""
        done = subprocess.run(  # noqa: S603
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env={**os.environ, **self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def client(self) -> SyncPrefectClient:
        return SyncPrefectClient(self.api_url)

    @contextmanager
    def worker(self, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process worker of the pool."""
        command = ["prefect", "worker", "start", "--pool", "pulselake", "--type", "process"]
        with running(command, self.home / "worker.log", {**self.environment, **variables}) as one:
            yield one

    @contextmanager
    def worker_of_the_image(self, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run what the image's worker starts by; its ports and its folder are its own."""
        told = {
            **self.environment,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PREFECT_WORKER_WEBSERVER_PORT": str(free_port()),
            "PULSELAKE_METRICS_FOLDER": str(self.home / "metrics"),
            **variables,
        }
        script = str(IMAGES / "worker.sh")
        with running(["/bin/bash", script], self.home / "worker.log", told) as one:
            yield one

    def deploy(self) -> None:
        """Tell the server about the pool, the deployments and what it does about dead runs."""
        self.run_here("prefect", "work-pool", "create", "pulselake", "--type", "process")
        file = "infra/prefect.yaml"
        self.run_here("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file)
        self.run_here("python", "-m", "flows.automations", "infra/automations.yaml")

    def deploy_by_the_image(self, **variables: str) -> str:
        """Run what the image tells the server by; give what it said."""
        path = f"{BIN}:{os.environ['PATH']}"
        return self.run_here("/bin/bash", str(IMAGES / "deploy.sh"), PATH=path, **variables)

    def start(self, name: str, config: dict[str, object], **environment: str) -> UUID:
        """Start a run of a deployment, such as ``nightly/nightly``, with some options."""
        with self.client as client:
            deployment = client.read_deployment_by_name(name)
            variables = {**deployment.job_variables["env"], **environment}
            run = client.create_flow_run_from_deployment(
                deployment.id,
                parameters={"config": {**deployment.parameters["config"], **config}},
                job_variables={"env": variables},
            )
        return run.id

    def artifacts(self, run_id: UUID) -> list[Artifact]:
        """Give what a run has left to look at."""
        this = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        with self.client as client:
            return client.read_artifacts(flow_run_filter=this)

    def run(self, run_id: UUID) -> FlowRun:
        with self.client as client:
            return client.read_flow_run(run_id)

    def wait_for(self, run_id: UUID, most_s: float = UP_S) -> FlowRun:
        """Wait until a run has ended, and give it."""
        deadline = time.monotonic() + most_s
        while not is_over(run := self.run(run_id)):
            assert time.monotonic() < deadline, f"{run.name} did not end: {self.said()[-4000:]}"
            time.sleep(0.5)
        return run

    def said(self) -> str:
        return "\n".join(log.read_text(errors="replace") for log in self.home.glob("*.log"))


@contextmanager
def hospital(home: Path, environment: Mapping[str, str]) -> Iterator[Hospital]:
    """Run a Prefect server with a home, a database and a port of its own."""
    port = free_port()
    told = {
        **environment,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        # A command that tests run in their own process quiets Prefect there for good.
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "PULSELAKE_HOME": str(ROOT),
    }
    command = ["prefect", "server", "start", "--host=127.0.0.1", f"--port={port}", "--no-ui"]
    with running(command, home / "server.log", told) as server:
        wait_until(
            lambda: server.poll() is not None or answers(f"{told['PREFECT_API_URL']}/health"),
            "Prefect's server",
        )
        yield Hospital(home, told["PREFECT_API_URL"], told)


def is_over(run: FlowRun) -> bool:
    """Tell whether a run has ended for good; one that has crashed is started again."""
    return run.state is not None and (run.state.is_completed() or run.state.is_failed())


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
        return bool(answer.status == 200)
    return False


@contextmanager
def two_ray_nodes(home: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a Ray cluster of two nodes of one CPU each; give what a driver is to have set."""
    port = free_port()
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    start = ["ray", "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    head = [*start, "--head", f"--port={port}", "--include-dashboard=false"]
    address = f"127.0.0.1:{port}"
    told = {**environment, **token}
    with ExitStack() as nodes:
        first = nodes.enter_context(running(head, home / "head.log", told))
        wait_until(lambda: is_up(first.pid), "Ray's head")
        join = [*start, f"--address={address}"]
        second = nodes.enter_context(running(join, home / "second.log", told))
        wait_until(lambda: is_up(second.pid), "Ray's second node")
        yield {**token, "PULSELAKE_RAY_ADDRESS": address}


def is_up(node: int) -> bool:
    """Tell whether a node has its agents, which come last."""
    titles = [Path(f"/proc/{pid}/cmdline") for pid in descendants(node)]
    with suppress(OSError):
        return any("RuntimeEnvAgent" in title.read_text() for title in titles)
    return False
