"""A training from the command: what it leaves behind, and that it can be killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from flows import train_beats, train_calibrate, train_export, train_levels
from flows.cli import app
from flows.train import CURVES, STATE, optimise
from flows.train_config import TrainConfig
from models.tricardio.checkpoint import read_tricardio
from ops.split import SPLITS

TINY = {"width": 16, "depth": 1, "heads": 2, "flow_width": 16, "flow_depth": 1, "flow_heads": 2}
SHORT = {"steps": 6, "batch": 4, "save_every": 2, "validate_every": 3}


def weights(out: Path) -> dict[str, np.ndarray]:
    return {k: v.numpy() for k, v in safetensors.torch.load_file(out / STATE).items()}


@pytest.fixture
def quick(monkeypatch) -> None:
    """Heads fitted in a few steps, bands corrected by a few windows."""
    monkeypatch.setattr(train_levels, "STEPS", 20)
    monkeypatch.setattr(train_beats, "STEPS", 10)
    monkeypatch.setattr(train_export, "PER_GROUP", 6)
    monkeypatch.setattr(train_calibrate, "PER_GROUP", 2)


@pytest.mark.usefixtures("quick", "one_thread")
def test_a_training_leaves_a_checkpoint_its_state_and_curves_that_plot(
    made_up_uci, tmp_path
) -> None:
    out = tmp_path / "out"
    options = (f"--{k.replace('_', '-')}={v}" for k, v in {**TINY, **SHORT}.items())
    told = CliRunner().invoke(
        app, ["train", "--data", str(made_up_uci), "--out", str(out), *options, "--json"]
    )

    assert told.exit_code == 0, told.output
    checkpoint = read_tricardio(json.loads(told.stdout)["checkpoint"])
    training, calibration = checkpoint.settings.training, checkpoint.settings.calibration
    assert checkpoint.card.name == "tricardio-1"
    assert str(training["command"]).startswith("pulselake train --data")
    assert "--width 16" in str(training["command"])
    assert [len(training["groups"][s]) for s in SPLITS] == [5, 3, 2, 2]
    with_cuff = calibration.corrections["translate/abp/ecg+ppg/cuff"]
    assert (with_cuff.groups, with_cuff.held_out) == (2, 5)
    assert calibration.corrections["impute/abp/alone"].held_out == 0
    assert set(with_cuff.outward["0.9"]) == {"sbp", "dbp", "map"}
    assert all(one.widen["0.9"] > 0 for one in calibration.corrections.values())
    curves = pl.read_csv(out / CURVES)
    assert set(curves["split"]) == {"train", "validation"}
    assert set(curves["step"]) == {3, 6}
    assert {"loss", "windows_a_second"} <= set(curves["figure"])
    assert any(figure.startswith("rmse impute") for figure in curves["figure"])
    assert curves["value"].is_finite().all()
    assert (out / STATE).is_file()


def test_killed_outright_and_resumed_it_ends_with_the_same_weights(made_set, tmp_path) -> None:
    longer = TINY | SHORT | {"steps": 120, "validate_every": 1000}
    through = TrainConfig(data=made_set, out=tmp_path / "through", **longer)
    optimise(through)
    killed = tmp_path / "killed"
    options = {"data": str(made_set), "out": str(killed), **longer}
    code = (
        f"import torch\ntorch.set_num_threads({torch.get_num_threads()})\n"
        f"from flows.train_steps import *\noptimise(TrainConfig(**{options!r}))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])  # noqa: S603
    for _ in range(1200):
        if (killed / STATE).is_file() or child.poll() is not None:
            break
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with safetensors.safe_open(killed / STATE, "pt") as file:
        reached = int(file.metadata()["step"])
    optimise(TrainConfig(**options))

    assert 0 < reached < 120
    one, other = weights(through.out), weights(killed)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_a_folder_without_a_set_is_told(tmp_path) -> None:
    config = TrainConfig(data=tmp_path, out=tmp_path / "out", **TINY, **SHORT)

    with pytest.raises(FileNotFoundError, match="has no Parquet file to train on"):
        optimise(config)


def test_another_configuration_does_not_go_on_with_a_training(made_set, tmp_path) -> None:
    config = TrainConfig(data=made_set, out=tmp_path / "out", **TINY, **SHORT)
    optimise(config)

    with pytest.raises(ValueError, match="holds a training of another configuration"):
        optimise(config.model_copy(update={"rate": 1e-4}))


def test_a_training_that_is_done_is_not_done_again(made_set, tmp_path) -> None:
    config = TrainConfig(data=made_set, out=tmp_path / "out", **TINY, **SHORT)
    optimise(config)
    before = (config.out / CURVES).read_text(), (config.out / STATE).stat().st_mtime_ns
    optimise(config)

    assert ((config.out / CURVES).read_text(), (config.out / STATE).stat().st_mtime_ns) == before
