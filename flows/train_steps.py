"""The steps of a training, by one process or by several, of which the first alone writes."""

from typing import Final

import numpy as np
import torch

from flows.train_config import TrainConfig
from flows.train_curves import Curves, figures_of
from flows.train_folder import same_as_before, stretches
from models.together import ALONE, Together
from models.training import Plan, Trainer
from models.tricardio.examples import Examples, examples_of
from models.tricardio.losses import losses
from models.tricardio.network import TriCardio
from models.tricardio.training import tricardio_trainer
from ops.corrupt.scenario import NOISY, spoil
from ops.stretches import Stretches
from schemas.grid import MARGIN_SAMPLES

STATE: Final = "state.safetensors"
CURVES: Final = "curves.csv"
PHASES: Final = (0.1, 0.3)
"""Shares of the steps at which a phase begins that adds tasks."""

VALIDATION_STEP: Final = 2**40
VALIDATION_BATCHES: Final = 8


def optimise(config: TrainConfig) -> Trainer[TriCardio, Examples]:
    """Go on from the state that is there to the last step, and keep the curves."""
    _same_as_before(config)
    if config.workers > 1:
        from flows.train_together import go_on_together  # Ray: seconds, for those alone who use it

        go_on_together(config)
    return go_on(config)


def go_on(config: TrainConfig, together: Together = ALONE) -> Trainer[TriCardio, Examples]:
    """Train in this process; of those that train together, the first alone writes."""
    trainer = tricardio_trainer(
        config.sizes,
        Plan(config.steps, rate=config.rate, seed=config.seed),
        config.device,
        together,
    )
    state = config.out / STATE
    if state.is_file():
        trainer.load(state)
    if trainer.step >= config.steps:
        return trainer
    drawn = stretches(config.data, "train")
    held_out = stretches(config.data, "validation") if together.rank == 0 else None
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
    alone = {"workers"} if config.workers == 1 else set()
    same_as_before(config, config.out, {"out", "device", "save_every", "name"} | alone)


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
    whole = drawn.draw(windows, rng)
    seen = spoil(whole.clean, phase, MARGIN_SAMPLES, rng)
    return examples_of(
        torch.from_numpy(seen.clean),
        torch.from_numpy(whole.fit),
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
    return figures_of(totals)
