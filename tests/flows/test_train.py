"""A training from the command: what it leaves behind, and that it can be killed and resumed."""

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

from flows.cli import app
from flows.train import CURVES, STATE, train
from flows.train_config import TrainConfig

TINY = {"width": 16, "depth": 1, "heads": 2, "flow_width": 16, "flow_depth": 1, "flow_heads": 2}
SHORT = {"steps": 6, "batch": 4, "save_every": 2, "validate_every": 3}


@pytest.fixture(scope="module")
def made_set(tmp_path_factory) -> Path:
    """Thirty made-up records of 12 s in as many blocks, in the form of the cuff-less set."""
    folder = tmp_path_factory.mktemp("set")
    t = np.arange(1500) / 125
    rows = []
    for i in range(30):
        beats = np.arange(-1, 12, 0.7 + 0.01 * i)[:, None]
        ecg = np.exp(-(((t - beats) / 0.015) ** 2)) + 0.25 * np.exp(
            -(((t - beats - 0.25) / 0.05) ** 2)
        )
        since = np.maximum(t - beats - 0.2, 0) / 0.15
        wave = (since**2 * np.exp(2 * (1 - since))).sum(axis=0)
        signals = {"ecg": 500 * ecg.sum(axis=0), "ppg": 500 * wave, "abp": 1600 + 700 * wave}
        counts = {m: x.astype(np.int16).tolist() for m, x in signals.items()}
        rows.append({"record": f"r{i}", "block": f"b{i}"} | counts)
    schema = {m: pl.List(pl.Int16) for m in ("ecg", "ppg", "abp")}
    pl.DataFrame(rows, schema_overrides=schema).write_parquet(folder / "made-0.parquet")
    return folder


def weights(out: Path) -> dict[str, np.ndarray]:
    return {k: v.numpy() for k, v in safetensors.torch.load_file(out / STATE).items()}


def test_a_training_leaves_its_state_and_curves_that_plot(made_set, tmp_path) -> None:
    out = tmp_path / "out"
    told = CliRunner().invoke(
        app,
        [
            *("train", "--data", str(made_set), "--out", str(out)),
            *(f"--{k.replace('_', '-')}={v}" for k, v in {**TINY, **SHORT}.items()),
        ],
    )

    assert told.exit_code == 0, told.output
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
    train(through)
    killed = tmp_path / "killed"
    options = {"data": str(made_set), "out": str(killed), **longer}
    code = (
        f"import torch\ntorch.set_num_threads({torch.get_num_threads()})\n"
        f"from flows.train import *\noptimise(TrainConfig(**{options!r}))"
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
    train(TrainConfig(**options))

    assert 0 < reached < 120
    one, other = weights(through.out), weights(killed)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_a_folder_without_a_set_is_told(tmp_path) -> None:
    config = TrainConfig(data=tmp_path, out=tmp_path / "out", **TINY, **SHORT)

    with pytest.raises(FileNotFoundError, match="has no Parquet file to train on"):
        train(config)


def test_another_configuration_does_not_go_on_with_a_training(made_set, tmp_path) -> None:
    config = TrainConfig(data=made_set, out=tmp_path / "out", **TINY, **SHORT)
    train(config)

    with pytest.raises(ValueError, match="holds a training of another configuration"):
        train(config.model_copy(update={"rate": 1e-4}))


def test_a_training_that_is_done_is_not_done_again(made_set, tmp_path) -> None:
    config = TrainConfig(data=made_set, out=tmp_path / "out", **TINY, **SHORT)
    train(config)
    before = (config.out / CURVES).read_text(), (config.out / STATE).stat().st_mtime_ns
    train(config)

    assert ((config.out / CURVES).read_text(), (config.out / STATE).stat().st_mtime_ns) == before
