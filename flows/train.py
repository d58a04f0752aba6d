"""A training: from the set's training groups to a checkpoint, stopped and resumed at will."""

import csv
import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from prefect import flow
from pydantic import BaseModel

from flows.train_config import TrainConfig
from flows.train_export import calibrated, export, fitted_levels
from models.tricardio.architecture import Sizes
from models.tricardio.examples import Examples, examples_of
from models.tricardio.losses import TASK_OF_STATE, losses
from models.tricardio.network import TriCardio
from models.tricardio.together import ALONE, Together
from models.tricardio.training import Plan, Trainer
from ops.corrupt.scenario import NOISY, spoil
from ops.cuffless import read_records
from ops.split import Split
from ops.stretches import Stretches
from schemas.grid import MARGIN_SAMPLES
from schemas.modality import MODALITIES

STATE: Final = "state.safetensors"
CURVES: Final = "curves.csv"
CONFIG: Final = "config.json"
PHASES: Final = (0.1, 0.3)
"""Shares of the steps at which a phase begins that adds tasks."""

VALIDATION_STEP: Final = 2**40
VALIDATION_BATCHES: Final = 8


class TrainSummary(BaseModel):
    """What a training has left; ``--json`` prints it."""

    step: int
    state: Path
    curves: Path
    checkpoint: Path


@flow(name="train")
def train(config: TrainConfig) -> TrainSummary:
    """Train on the training groups, watch the validation groups, calibrate by those kept for it.

    What is in ``out`` is gone on with, if it is of the same configuration.

    Raises:
        OSError: where the set can't be read, or ``out`` not be written.
        ValueError: where ``out`` holds a training of another configuration.
    """
    network = optimise(config).averaged.eval()
    levels = fitted_levels(network, config)
    settings = calibrated(network, levels, config)
    return TrainSummary(
        step=config.steps,
        state=config.out / STATE,
        curves=config.out / CURVES,
        checkpoint=export(network, levels, settings, config),
    )


def optimise(config: TrainConfig) -> Trainer:
    """Go on from the state that is there to the last step, and keep the curves."""
    _same_as_before(config)
    if config.workers > 1:
        from flows.train_together import go_on_together  # Ray: seconds, for those alone who use it

        go_on_together(config)
    return go_on(config)


def go_on(config: TrainConfig, together: Together = ALONE) -> Trainer:
    """Train in this process; of those that train together, the first alone writes."""
    trainer = Trainer(
        Sizes(**{name: getattr(config, name) for name in Sizes.model_fields}),
        Plan(config.steps, rate=config.rate, seed=config.seed),
        config.device,
        together,
    )
    state = config.out / STATE
    if state.is_file():
        trainer.load(state)
    if trainer.step >= config.steps:
        return trainer
    drawn = stretches(config, "train")
    held_out = stretches(config, "validation") if together.rank == 0 else None
    curves = Curves(config.out / CURVES)
    while trainer.step < config.steps:
        told = trainer.advance(lambda step: share(drawn, config, step, together))
        if held_out is None:
            continue
        curves.add(told, config.batch)
        if trainer.step % config.validate_every == 0 or trainer.step == config.steps:
            curves.write("train", trainer.step, curves.taken())
            curves.write("validation", trainer.step, validate(trainer.averaged, held_out, config))
        if trainer.step % config.save_every == 0 or trainer.step == config.steps:
            trainer.save(state)
    return trainer


def _same_as_before(config: TrainConfig) -> None:
    """Refuse to go on with a training that was told otherwise; how often it saves has no say."""
    no_say = {"out", "device", "save_every", "name"} | (
        {"workers"} if config.workers == 1 else set()
    )
    told = config.model_dump_json(exclude=no_say, indent=1)
    path = config.out / CONFIG
    config.out.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_text(encoding="utf-8") != told:
        message = f"{config.out} holds a training of another configuration: name another folder"
        raise ValueError(message)
    path.write_text(told, encoding="utf-8")


def stretches(config: TrainConfig, split: Split) -> Stretches:
    """Read what a split draws from.

    Raises:
        FileNotFoundError: where the folder has no Parquet file.
    """
    paths = sorted(config.data.glob("*.parquet"))
    if not paths:
        message = f"{config.data} has no Parquet file to train on"
        raise FileNotFoundError(message)
    return Stretches(read_records(paths, split))


def phase_of(step: int, config: TrainConfig) -> int:
    """Say which phase a step belongs to."""
    return sum(step >= share * config.steps for share in PHASES)


def share(drawn: Stretches, config: TrainConfig, step: int, together: Together) -> Examples:
    """Draw what a process learns from in a step, by the numbers of both alone."""
    seed = [config.seed, step] + [together.rank] * (together.rank > 0)
    return examples(drawn, config.batch // together.size, phase_of(step, config), seed)


def examples(drawn: Stretches, windows: int, phase: int, seed: list[int]) -> Examples:
    """Draw and spoil windows, by the seed alone."""
    rng = np.random.default_rng(seed)
    clean = drawn.draw(windows, rng)
    seen = spoil(clean.clean, phase, MARGIN_SAMPLES, rng)
    return examples_of(
        torch.from_numpy(clean.clean),
        torch.from_numpy(clean.fit),
        torch.from_numpy(seen.signals),
        torch.from_numpy(seen.state == NOISY),
    )


@torch.inference_mode()
def validate(network: TriCardio, held_out: Stretches, config: TrainConfig) -> dict[str, float]:
    """Give the errors on the same windows of the validation groups each time."""
    totals: list[dict[str, torch.Tensor]] = []
    for i in range(VALIDATION_BATCHES):
        generator = torch.Generator().manual_seed(i)
        seed = [config.seed, VALIDATION_STEP + i]
        drawn = examples(held_out, config.batch, len(PHASES), seed).to(config.device)
        loss, told = losses(network, drawn, generator)
        totals.append(told | {"loss": loss})
    return _figures(totals)


class Curves:
    """Errors by modality and task over the steps, in a file of a row each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._totals: list[dict[str, torch.Tensor]] = []
        self._windows = 0
        self._since = time.perf_counter()

    def add(self, told: dict[str, torch.Tensor], windows: int) -> None:
        """Take in what a step told."""
        self._totals.append(told)
        self._windows += windows

    def taken(self) -> dict[str, float]:
        """Give the figures since this was last called."""
        seconds = time.perf_counter() - self._since
        figures = _figures(self._totals) | {"windows_a_second": self._windows / seconds}
        self._totals, self._windows, self._since = [], 0, time.perf_counter()
        return figures

    def write(self, split: Split, step: int, figures: dict[str, float]) -> None:
        """Append a row a figure: step, split, name, value."""
        new = not self._path.is_file()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "split", "figure", "value"])
            for name, value in figures.items():
                writer.writerow([step, split, name, f"{value:.5g}"])


def _figures(totals: list[dict[str, torch.Tensor]]) -> dict[str, float]:
    """Give the mean loss, and root mean squared errors in units of half a clean range."""
    squared = torch.stack([told["squared"] for told in totals]).sum(dim=0)
    count = torch.stack([told["count"] for told in totals]).sum(dim=0)
    rms = (squared / count.clamp(min=1)).sqrt()
    figures = {"loss": float(torch.stack([told["loss"] for told in totals]).mean())}
    for i, m in enumerate(MODALITIES):
        for state, task in TASK_OF_STATE.items():
            if count[i, state]:
                figures[f"rmse {task} {m}"] = float(rms[i, state])
    return figures
