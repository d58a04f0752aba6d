"""A training: from the set's training groups to a checkpoint, stopped and resumed at will."""

from pathlib import Path

from prefect import flow
from pydantic import BaseModel

from flows.train_config import TrainConfig
from flows.train_export import calibrated, export, fitted_heads
from flows.train_steps import CURVES, STATE, optimise


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
    checkpoint = calibrated(network, fitted_heads(network, config), config)
    return TrainSummary(
        step=config.steps,
        state=config.out / STATE,
        curves=config.out / CURVES,
        checkpoint=export(checkpoint, config),
    )
