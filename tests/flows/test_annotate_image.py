"""An image from the command: what is told, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from flows.cli import app
from flows.train_annotator_config import TrainAnnotatorConfig
from models.checkpoint import read_card
from models.lavida.checkpoint import AnnotatorSettings, save_annotator
from models.lavida.network import LaViDa
from models.lavida.shipped import IMAGES
from ops.strip.image import draw_strips
from schemas.annotator import SLOTS
from schemas.template import parse_annotation

TINY = {"tower_width": 32, "tower_depth": 1, "width": 32, "depth": 1}


def run(*arguments: object):
    return CliRunner().invoke(app, ["annotate", *map(str, arguments)])


def plain(output: str) -> str:
    return " ".join(output.replace("│", " ").split())


def checkpoint_of(kind: str, folder: Path) -> Path:
    config = TrainAnnotatorConfig(data=folder, out=folder, kind=kind, **TINY)
    torch.manual_seed(0)
    file = folder / f"{kind}.safetensors"
    settings = AnnotatorSettings(sizes=config.sizes, steps=6)
    network = LaViDa(config.sizes)
    save_annotator(file, network, settings, name=config.name, origin="a test", licence="none")
    return file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return checkpoint_of("image", tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def strip(tmp_path_factory) -> Path:
    """A scan of a strip of ECG and ABP."""
    t = np.arange(500) / 125
    x = np.full((1, 3, 500), np.nan, np.float32)
    x[0, 0] = np.exp(-(((t % 0.8 - 0.3) / 0.03) ** 2))
    x[0, 2] = 90 + 30 * np.sin(2 * np.pi * t / 0.8)
    drawn = Image.fromarray(draw_strips(x, np.random.default_rng(0))[0])
    file = tmp_path_factory.mktemp("scans") / "strip.png"
    drawn.resize((1500, 400)).convert("RGB").save(file)
    return file


def test_json_of_an_image_is_one_object_with_a_whole_annotation(strip, checkpoint) -> None:
    done = run("--image", strip, "--checkpoint", checkpoint, "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told) == {"annotation", "confidence", "steps", "model_id"}
    assert parse_annotation(json.dumps(told["annotation"]))
    assert set(told["confidence"]) == set(SLOTS)
    assert told["steps"] == 6
    assert told["model_id"].startswith("lavida-images-1")


def test_what_comes_along_reads_images(strip) -> None:
    done = run("--image", strip, "--json")

    assert done.exit_code == 0, done.output
    model, steps = (json.loads(done.stdout)[name] for name in ("model_id", "steps"))
    assert model == read_card(str(IMAGES)).model_id
    assert steps == 8


def test_a_person_is_shown_each_slot_and_how_sure_it_is(strip, checkpoint) -> None:
    done = run("--image", strip, "--checkpoint", checkpoint, "--steps", 2)

    assert done.exit_code == 0, done.output
    for slot in ("rhythm", "heart rate", "ABP quality", "pressure source", "evidence", "note"):
        assert slot in done.stdout
    assert "%" in done.stdout
    assert "in 2 steps; no diagnosis" in done.stdout


def test_steps_and_checkpoint_may_come_from_a_file_that_serves_other_commands_too(
    strip, checkpoint, tmp_path
) -> None:
    file = tmp_path / "night.toml"
    file.write_text(f'lake = "/lake"\ndataset = "ward"\ncheckpoint = "{checkpoint}"\nsteps = 3\n')

    told = json.loads(run("--image", strip, "--config", file, "--json").stdout)
    assert told["steps"] == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "a LAKE or an --image is needed"),
        (["lake", "--image", "strip.png"], "either a LAKE or an --image is needed, not both"),
        (["--image", "strip.png", "--workers", "2"], "--workers does not go with --image"),
        (["--image", "strip.png", "--strict"], "--strict does not go with --image"),
        (["--image", "strip.png", "--annotator", "rules"], "--annotator does not go with"),
        (["--image", "strip.png", "--checkpoint", "c.safetensors", "--steps", "0"], "steps"),
        (["--image", "https://joe:hunter2@host/strip.png"], "holds a password"),
        (["--image", ""], "image"),
    ],
)
def test_what_does_not_go_with_an_image_is_a_usage_error(options, words) -> None:
    done = run(*options)

    assert done.exit_code == 2
    assert words in plain(done.output)
    assert "hunter2" not in done.output


def test_a_checkpoint_of_signals_looks_at_no_image(strip, tmp_path) -> None:
    done = run("--image", strip, "--checkpoint", checkpoint_of("signal", tmp_path), "--json")

    told = json.loads(done.stdout)
    assert told["outcome"] == "failed"
    assert "annotates signals, not images of strips" in told["error"]


@pytest.mark.parametrize("wrong", ["folder", "missing", "text", "device"])
def test_an_image_that_can_not_be_read_is_told_by_its_name(wrong, tmp_path, checkpoint) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no image")
    file = Path("/dev/zero") if wrong == "device" else tmp_path / wrong
    done = run("--image", file, "--checkpoint", checkpoint)

    assert done.exit_code == 1
    assert str(done.exception).startswith(f"{file} ")
    assert "\n" not in str(done.exception)


def test_a_checkpoint_of_images_annotates_no_lake(annotating, checkpoint) -> None:
    done = run(annotating.lake, "--checkpoint", checkpoint, "--workers", "0")

    assert done.exit_code == 1
    assert "annotates images of strips, not signals" in str(done.exception)
