"""A training by two workers: both are learnt from, and it can be killed and resumed."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import polars as pl
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from flows.cli import app
from flows.train_config import TrainConfig
from flows.train_folder import stretches
from flows.train_steps import CURVES, STATE, optimise, share
from flows.train_together import error_of, go_on_together
from models.together import ALONE, Together
from models.training import Plan, Trainer
from models.tricardio.architecture import Sizes
from models.tricardio.training import tricardio_trainer

TINY = {"width": 16, "depth": 1, "heads": 2, "flow_width": 16, "flow_depth": 1, "flow_heads": 2}
SHORT = {"steps": 40, "batch": 4, "save_every": 2, "validate_every": 1000, "workers": 2}
ROOT = Path(__file__).parents[2]


def undisturbed(config: TrainConfig) -> list[Trainer]:
    """Two trainers in threads of this process: what Ray's workers are to come to."""
    barrier, parts = Barrier(2, timeout=60), [torch.empty(0)] * 2
    drawn = stretches(config.data, "train")

    def trainer_of(rank: int) -> Trainer:
        def add(tensor: torch.Tensor) -> None:
            parts[rank] = tensor.clone()
            barrier.wait()
            tensor.copy_(parts[0] + parts[1])
            barrier.wait()

        plan = Plan(config.steps, rate=config.rate, seed=config.seed)
        return tricardio_trainer(Sizes(**TINY), plan, together=Together(rank, 2, add))

    def run(trainer: Trainer) -> Trainer:
        for _ in range(config.steps):
            trainer.advance(lambda step: share(drawn, config, step, trainer.together))
        return trainer

    trainers = [trainer_of(rank) for rank in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, trainers))


def below(pid: int) -> list[int]:
    """Give the processes that a process started, and theirs: Ray and its workers."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    own = [int(child) for file in files for child in file.read_text().split()]
    return own + [further for child in own for further in below(child)]


@pytest.mark.timeout(300)
# Ray sets deprecated settings of its own.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")
def test_killed_outright_and_resumed_two_workers_end_with_the_weights_of_both_shares(
    made_set, one_thread, tmp_path, monkeypatch
) -> None:
    # One process less to start, and the end seen at once: this is about the weights.
    monkeypatch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    options = {"data": str(made_set), "out": str(out)} | TINY | SHORT
    code = f"from flows.train_steps import *\noptimise(TrainConfig(**{options!r}))"
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)},
    )
    for _ in range(2400):
        if (out / STATE).is_file() or child.poll() is not None:
            break
        time.sleep(0.05)
    for pid in [child.pid, *below(child.pid)]:
        os.kill(pid, signal.SIGKILL)
    child.wait()
    with safetensors.safe_open(out / STATE, "pt") as file:
        reached = int(file.metadata()["step"])
    monkeypatch.chdir(tmp_path)
    resumed = optimise(TrainConfig(**options | {"out": "out"}))
    both = undisturbed(TrainConfig(**options))

    state = safetensors.torch.load_file(out / STATE)
    assert 0 < reached < 40
    assert resumed.step == 40
    assert not list(home.glob("ray*"))
    assert pl.read_csv(out / CURVES)["step"].unique().to_list() == [40]
    for rank, trainer in enumerate(both):
        for name, value in trainer.network.state_dict().items():
            np.testing.assert_array_equal(state[f"network.{name}"], value, f"{name} of {rank}")
        for name, value in trainer.averaged.state_dict().items():
            np.testing.assert_array_equal(state[f"averaged.{name}"], value, f"{name} of {rank}")


def test_each_worker_draws_a_share_of_its_own(made_set) -> None:
    config = TrainConfig(data=made_set, out=made_set, **TINY, **SHORT)
    drawn = stretches(config.data, "train")
    first, second = (share(drawn, config, 7, Together(rank, 2, torch.abs)) for rank in (0, 1))
    alone = share(drawn, config, 7, ALONE)

    assert len(first.truth) == len(second.truth) == 2
    assert len(alone.truth) == 4
    assert not torch.equal(first.truth, second.truth)


def test_a_batch_that_workers_cannot_share_is_refused_by_a_sentence(made_set, tmp_path) -> None:
    sentence = "batch must be divisible by workers, so that each draws as many windows: got 64"
    options = ["--data", str(made_set), "--out", str(tmp_path / "out"), "--workers", "3"]
    told = CliRunner().invoke(app, ["train", *options], env={"COLUMNS": "200"})

    with pytest.raises(ValueError, match=sentence):
        TrainConfig(data=made_set, out=tmp_path, workers=3)
    assert told.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_more_workers_than_gpus_are_refused(made_set, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    config = TrainConfig(data=made_set, out=tmp_path, device="cuda", **TINY, **SHORT)

    with pytest.raises(ValueError, match="2 workers are to take a GPU each, and this machine has"):
        go_on_together(config)


def test_another_number_of_workers_does_not_go_on_with_a_training(made_set, tmp_path) -> None:
    alone = {"data": made_set, "out": tmp_path / "out"} | TINY | SHORT | {"steps": 1, "workers": 1}
    optimise(TrainConfig(**alone))

    with pytest.raises(ValueError, match="holds a training of another configuration"):
        optimise(TrainConfig(**alone | {"workers": 2}))


def test_what_a_worker_says_comes_before_what_others_lost_by_it() -> None:
    lost, said = RuntimeError("Connection reset by peer"), FileNotFoundError("no Parquet")

    assert error_of({0: lost, 1: said}) is said
    assert str(error_of({0: lost, 1: Exception("A worker died\npid 7")})) == (
        "the training broke off and can be resumed from its last state "
        "(worker 0: Connection reset by peer; worker 1: A worker died)"
    )
