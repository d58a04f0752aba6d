"""The stages of an annotator's training, each begun where the one before ended, and its peers'."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_draws import draw, lesson, teaching, uncalibrated
from flows.train_curves import Curves, Told
from flows.train_folder import same_as_before
from models.lavida.answer import AT
from models.lavida.autoregressive import autoregressive_losses
from models.lavida.heads import Heads, heads_losses
from models.lavida.lessons import Lesson, masked_lesson_losses
from models.lavida.network import LaViDa
from models.lavida.stages import STAGES, Stage, shares_of
from models.training import Losses, Plan, Trainer
from ops.strip.teaching import Teaching

CURVES: Final = "curves.csv"
NO_SAY: Final = frozenset({"out", "device", "save_every", "name", "peers"})
"""Options that decide nothing of the weights."""

HEADS: Final = "heads"
"""Peer: linear heads on the encoder as it is at the end, which is frozen."""

IN_ORDER: Final = "in-order"
"""Peer: the same network read from left to right, from the end of stage 1 on, by as many steps."""

VALIDATION_STEP: Final = 2**40
VALIDATION_BATCHES: Final = 16
Weights = dict[str, Tensor]


def train_stages(config: TrainAnnotatorConfig) -> LaViDa:
    """Go through all stages that are not done, and give the network of the last.

    Raises:
        OSError: where what is trained on can't be read, or ``out`` not be written.
        ValueError: where ``out`` holds a training of another configuration.
    """
    same_as_before(config, config.out, NO_SAY)
    drawn_from, held_out = teaching(config, "train"), teaching(config, "validation")
    weights: dict[Stage, Weights] = {}
    last = averaged(config.begin) if config.begin else {}
    for stage in STAGES:
        if config.steps_of(stage):
            build, losses = _network(last, config), _losses(stage, config)
            if stage == "0":
                build = partial(Heads, config.sizes)
            course = _Course(stage, stage, config.steps_of(stage), build, losses)
            last = weights[stage] = course.run(drawn_from, held_out, config)
    if config.peers:
        _train_peers(weights, last, drawn_from, held_out, config)
    network = LaViDa(config.sizes)
    network.load_state_dict(last)
    return network.eval()


def _train_peers(
    weights: dict[Stage, Weights],
    last: Weights,
    drawn_from: Teaching,
    held_out: Teaching,
    config: TrainAnnotatorConfig,
) -> None:
    of_encoder = {name: value for name, value in last.items() if name.startswith("tower.")}
    heads = weights.get("0", {}) | of_encoder
    build: Callable[[], nn.Module] = partial(_filled, partial(Heads, config.sizes), heads)
    _Course(HEADS, "0", config.steps_1 or 1, build, heads_losses).run(drawn_from, held_out, config)
    steps = sum(config.steps_of(stage) for stage in ("2", "3a", "3b"))
    begun = weights.get("1", weights.get("0", {}))
    course = _Course(IN_ORDER, "2", steps, _network(begun, config), autoregressive_losses)
    course.run(drawn_from, held_out, config)


class _Course:
    """One network through its steps, from the state that is there."""

    def __init__(
        self,
        name: str,
        stage: Stage,
        steps: int,
        build: Callable[[], nn.Module],
        losses: Losses[Any, Lesson],
    ) -> None:
        self._name, self._stage, self._steps = name, stage, steps
        self._build, self._losses = build, losses

    def run(
        self, drawn_from: Teaching, held_out: Teaching, config: TrainAnnotatorConfig
    ) -> Weights:
        """Train to the last step; give the averaged weights."""
        plan = Plan(self._steps, rate=config.rate, seed=config.seed)
        shares = shares_of("heads" if self._name == HEADS else self._stage)
        trainer = Trainer(self._build, self._losses, plan, config.device, shares=shares)
        state = config.out / f"{self._name}.safetensors"
        if state.is_file():
            trainer.load(state)
        curves = Curves(config.out / CURVES, figures_of)
        while trainer.step < self._steps:
            told = trainer.advance(partial(self._drawn, drawn_from, config))
            curves.add(told, config.batch)
            if trainer.step % config.save_every == 0 or trainer.step == self._steps:
                trainer.save(state)
                curves.write("train", trainer.step, self._named(curves.taken()))
                figures = self._validated(trainer.averaged, held_out, config)
                curves.write("validation", trainer.step, self._named(figures))
        return dict(trainer.averaged.state_dict())

    def _drawn(self, drawn_from: Teaching, config: TrainAnnotatorConfig, step: int) -> Lesson:
        """Draw what the stage learns from; a peer, once it is as old, what infilling does."""
        late = self._name == IN_ORDER and step >= config.steps_2
        return draw(drawn_from, config, "3a" if late else self._stage, step)

    def _named(self, figures: dict[str, float]) -> dict[str, float]:
        return {f"{self._name}: {figure}": value for figure, value in figures.items()}

    @torch.inference_mode()
    def _validated(
        self, network: nn.Module, held_out: Teaching, config: TrainAnnotatorConfig
    ) -> dict[str, float]:
        """Give the figures on the same windows of the validation groups each time."""
        totals = []
        for i in range(VALIDATION_BATCHES):
            rng = np.random.default_rng([config.seed, VALIDATION_STEP + i])
            share = uncalibrated(self._stage, config.kind)
            seen = held_out.draw(config.batch, rng, uncalibrated=share)
            drawn = lesson(seen, self._stage, rng, config.kind).to(config.device)
            loss, told = self._losses(network, drawn, torch.Generator().manual_seed(i))
            totals.append(told | {"loss": loss})
        return figures_of(totals)


def averaged(state: Path) -> Weights:
    """Read the averaged weights of a stage's state.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no state of a training.
    """
    prefix = "averaged."
    try:
        found = safetensors.torch.load_file(state)
    except SafetensorError as error:
        message = f"{state} is no state of a training ({error})"
        raise ValueError(message) from error
    return {k[len(prefix) :]: v for k, v in found.items() if k.startswith(prefix)}


def _losses(stage: Stage, config: TrainAnnotatorConfig) -> Losses[Any, Lesson]:
    if stage == "0":
        return heads_losses
    return partial(masked_lesson_losses, weighting=config.weighting)


def _network(weights: Weights, config: TrainAnnotatorConfig) -> Callable[[], nn.Module]:
    return partial(_filled, partial(LaViDa, config.sizes), weights)


def _filled(build: Callable[[], nn.Module], weights: Weights) -> nn.Module:
    """Build a network with the weights that are known of it: of heads, the encoder's alone."""
    network = build()
    known = network.state_dict()
    network.load_state_dict(known | {k: v for k, v in weights.items() if k in known})
    return network


def figures_of(totals: Told) -> dict[str, float]:
    """Give the mean loss, and how often each slot was right where it was masked."""
    right = torch.stack([told["right"] for told in totals]).sum(dim=0)
    masked = torch.stack([told["masked"] for told in totals]).sum(dim=0)
    share = right / masked.clamp(min=1)
    at = AT if len(share) > len(AT) else {slot: i for i, slot in enumerate(AT)}
    figures = {"loss": float(torch.stack([told["loss"] for told in totals]).mean())}
    return figures | {slot: float(share[i]) for slot, i in at.items()}
