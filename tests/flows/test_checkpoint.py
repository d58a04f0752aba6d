"""The commands ``pulselake checkpoint``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
import torch
from typer.testing import CliRunner

from bench.unicardio_golden import golden_weights
from flows.cli import app
from models.unicardio.architecture import released_shapes
from tests.models.lavida.published import published_weights, write_release


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("released") / "unicardio.pth"
    weights = golden_weights(released_shapes())
    torch.save({f"module.{key}": torch.from_numpy(weights[key]) for key in weights}, path)
    return path


@pytest.fixture(scope="module")
def lavida(tmp_path_factory) -> Path:
    return write_release(tmp_path_factory.mktemp("released") / "lavida", published_weights())


def run(*arguments: str):
    return CliRunner().invoke(app, ["checkpoint", *arguments])


def run_apart(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "checkpoint", *arguments]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, check=False
    )


def test_an_import_prints_its_card_and_show_prints_it_again(released, tmp_path) -> None:
    out = str(tmp_path / "u.safetensors")
    done = run("import", str(released), out, "--licence", "MIT", "--origin", "a [red] b", "--json")
    shown = run("show", out, "--json")
    card = json.loads(done.stdout)

    assert (done.exit_code, shown.exit_code) == (0, 0)
    assert json.loads(shown.stdout) == card
    assert card == json.loads((tmp_path / "u.json").read_text())
    assert (card["licence"], card["origin"]) == ("MIT", "a [red] b")


def test_a_person_is_told_the_card(released, tmp_path) -> None:
    out = str(tmp_path / "u.safetensors")
    done = run("import", str(released), out, "--origin", "a [red] b")
    shown = run("show", out)

    assert shown.stdout == done.stdout
    assert "origin: a [red] b" in shown.stdout
    assert "licence: not stated" in shown.stdout
    assert "n_parameters: 6265781" in shown.stdout


def test_a_card_is_shown_from_object_storage(released, tmp_path, s3) -> None:
    run("import", str(released), str(tmp_path / "u.safetensors"))
    fs = fsspec.filesystem("s3", endpoint_url=s3.endpoint_url)
    for name in ("u.safetensors", "u.json"):
        fs.put(str(tmp_path / name), f"{s3.bucket}/models/{name}")
    done = run("show", f"s3://{s3.bucket}/models/u.safetensors", "--json")

    assert json.loads(done.stdout) == json.loads((tmp_path / "u.json").read_text())


def test_show_refuses_a_file_that_is_not_that_of_its_card(released, tmp_path) -> None:
    out = tmp_path / "u.safetensors"
    run("import", str(released), str(out))
    os.truncate(out, 1000)
    done = run("show", str(out))

    assert done.exit_code == 1
    assert "is not the file of its card" in str(done.exception)


def test_a_folder_in_the_published_layout_of_lavida_is_imported_and_shown(lavida, tmp_path) -> None:
    out = str(tmp_path / "l.safetensors")
    done = run_apart("import", str(lavida), out, "--licence", "as said", "--json")
    shown = run_apart("show", out, "--json")
    card = json.loads(done.stdout)

    assert (done.returncode, shown.returncode) == (0, 0)
    assert json.loads(shown.stdout) == card == json.loads((tmp_path / "l.json").read_text())
    assert (card["architecture"], card["licence"]) == ("lavida", "as said")
    assert card["settings"]["sizes"]["language"]["vocabulary"] == 50


def test_a_person_is_told_the_card_of_a_lavida(lavida, tmp_path) -> None:
    out = str(tmp_path / "l.safetensors")
    done = run("import", str(lavida / "model.safetensors.index.json"), out)
    shown = run("show", out)

    assert shown.stdout == done.stdout
    assert "architecture: lavida" in shown.stdout


def test_a_folder_without_a_release_is_one_sentence_and_exit_1(tmp_path) -> None:
    done = run_apart("import", str(tmp_path), str(tmp_path / "l.safetensors"))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "holds neither model.safetensors.index.json nor model.safetensors" in done.stderr


class Code:
    """A pickle of this makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_code_in_a_released_file_is_one_sentence_and_exit_1(tmp_path) -> None:
    torch.save({"module.x": Code(tmp_path / "ran")}, tmp_path / "evil.pth")
    done = run_apart("import", str(tmp_path / "evil.pth"), str(tmp_path / "u.safetensors"))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "evil.pth asks for" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["evil.pth"]


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    done = run("show", "ftp://joe:hunter2@host/u.safetensors")

    assert done.exit_code == 1
    assert "holds a password" in str(done.exception)
    assert "hunter2" not in str(done.exception)


def test_a_missing_argument_is_a_usage_error() -> None:
    assert run("import", "a.pth").exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["checkpoint", "--help"]])
def test_help_does_not_wait_for_torch(arguments) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from flows.cli import app; "
        f"done = CliRunner().invoke(app, {arguments}); "
        "print(done.exit_code, 'checkpoint' in done.stdout, 'torch' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout.split() == ["0", "True", "False"]
