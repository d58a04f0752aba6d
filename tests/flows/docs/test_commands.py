"""Every command of the documentation: run on a small lake, or read by what would run it."""

import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from flows.cli import app
from tests.flows.docs.pages import PAGES, ROOT, commands_of, words_of

EVERY = sorted({command for page in PAGES.values() for command in commands_of(page)})
ELSEWHERE = {
    "docker": "a container engine",
    "kubectl": "a Kubernetes cluster",
    "kustomize": "a Kubernetes cluster",
    "helm": "a Kubernetes cluster",
    "aws": "an account at AWS",
    "curl": "a server that runs",
    "uvx": "the network",
    "sha256sum": "a file of the reader's",
    "openssl": "nothing of ours",
    "cat": "files of the reader's",
    "install": "nothing of ours",
    "printf": "nothing of ours",
    "source": "a shell that stays",
    "cd": "nothing of ours",
    "export": "nothing of ours",
}
"""Commands that can't run here, by what they need; their own pages say what was tried."""

HELPED = {"prefect", "ray"}
"""Commands of others that are installed here: their help has to know the options."""

WORKED = {
    "status",
    "report",
    "cohort",
    "vacuum",
    "withdraw",
    "annotate",
    "backfill",
    "audit",
    "ingest",
    "nightly",
}
"""Commands of ours that run on the demo lake."""

NEEDS = {
    "--checkpoint",
    "--image",
    "--ray-address",
    "--gpus-per-actor",
    "--anonymous",
    "--log-json",
}
"""Options that need what is not here: a file, a cluster, the network, a process of its own."""

FLOWS = {"annotate", "backfill", "audit", "ingest", "nightly"}


def program_of(command: str) -> str:
    """Give what a command runs; variables that are set and nothing else run nothing."""
    words = words_of(command)
    return Path(words[0]).name if words else "export"


def ours() -> list[str]:
    return [command for command in EVERY if program_of(command) == "pulselake"]


PLACES = re.compile(r"(?<=\s)(SOURCE|/\S+|s3://\S+|cinc2015|\.venv/bin/|lake)(?=\s|$)|--json")


def once(commands: list[str]) -> list[str]:
    """Leave out what differs from another command in places or in ``--json`` alone."""
    alike = {" ".join(PLACES.sub("", " " + c).split()[1:]): c for c in commands}
    return sorted(alike.values())


def runs(command: str) -> bool:
    """Say whether nothing is missing here that a command of ours needs."""
    words = words_of(command)
    return words[1] in WORKED and not NEEDS & {word.partition("=")[0] for word in words}


@pytest.mark.parametrize("command", EVERY)
def test_every_command_is_of_a_kind_that_is_tested(command) -> None:
    known = {"pulselake", "python", "make", *HELPED, *ELSEWHERE}

    assert program_of(command) in known


@pytest.mark.parametrize("command", ours())
def test_a_command_of_ours_is_understood_word_for_word(command) -> None:
    group = typer.main.get_command(app)
    context, words = click.Context(group), words_of(command)[1:]
    found = group
    while isinstance(found, click.Group):
        found = found.get_command(context, words.pop(0))

    assert found is not None
    found.make_context("pulselake", words)


@pytest.fixture
def given(annotating, ward, tmp_path, monkeypatch) -> dict[str, str]:
    """What stands for the reader's own places: a copy of the annotated lake and of its archive."""
    monkeypatch.chdir(tmp_path)
    lake = annotating.lake
    toml = f'source = "{ward}"\nlake = "{lake}"\nworkers = 0\nrestorer = "classical"\n'
    Path("night.toml").write_text(toml)
    monkeypatch.setenv("PULSELAKE_DEID_KEY", "a key of a test, long enough to be one")
    return {
        r"(?<=\s)(/lake|lake(?:-of-all)?|s3://\S+/lake)(?=\s|$)": lake,
        r"(?<=\s)(SOURCE|/archive/\S+|s3://\S+|cinc2015)(?=\s|$)": str(ward),
        r"--dataset \S+": "--dataset ward",
        r"--workers \d+": "--workers 0",
        r"--metrics-file \S+": f"--metrics-file {tmp_path}/night.prom",
        r"--as-of \S+": f"--as-of {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def adapted(command: str, given: dict[str, str]) -> list[str]:
    for pattern, place in given.items():
        command = re.sub(pattern, place, command)
    words = words_of(command)[1:]
    if words[0] in FLOWS and "--workers" not in words and "--config" not in words:
        words += ["--workers", "0"]
    fills = {"nightly", "backfill", "audit"}
    if words[0] in fills and not {"--restorer", "--config"} & set(words):
        words += ["--restorer", "classical"]
    return words


@pytest.mark.parametrize("command", once([c for c in ours() if runs(c)]))
def test_a_command_of_ours_runs_on_the_lake_of_a_small_ward(command, given) -> None:
    words = adapted(command, given)
    if "--deidentify" in words:
        words[words.index("--dataset") + 1] = "hidden"
    done = CliRunner().invoke(app, words)

    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in ({0, 3} if "--strict" in words else {0}), done.output


@pytest.mark.parametrize("command", [c for c in EVERY if program_of(c) == "make"])
def test_a_target_of_make_is_there(command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{words_of(command)[1]}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("command", [c for c in EVERY if program_of(c) == "python"])
def test_a_module_of_ours_can_be_run(command) -> None:
    words = words_of(command)
    module = find_spec(words[words.index("-m") + 1])

    assert module is not None
    assert '__name__ == "__main__"' in Path(str(module.origin)).read_text(encoding="utf-8")


def helped() -> list[tuple[str, ...]]:
    """Give program and subcommands, each once, before the first option or name of the reader's."""
    found = set()
    for command in EVERY:
        if program_of(command) in HELPED:
            words = words_of(command)
            plain = [w for w in words[1:] if re.fullmatch(r"[a-z-]+", w) and not w.startswith("-")]
            found.add((program_of(command), *plain[: 1 if program_of(command) == "ray" else 2]))
    return sorted(found)


@pytest.mark.parametrize("words", helped(), ids=shlex.join)
def test_a_command_of_others_knows_its_options(words) -> None:
    program = shutil.which(words[0], path=str(Path(sys.executable).parent))
    shown = subprocess.run(  # noqa: S603
        [str(program), *words[1:], "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    flags = {
        word.partition("=")[0]
        for command in EVERY
        if tuple(words_of(command))[: len(words)] == words
        for word in words_of(command)
        if word.startswith("--")
    }

    assert shown.returncode == 0, shown.stderr
    assert {flag for flag in flags if flag not in shown.stdout + shown.stderr} == set()
