"""A training of the annotator: stage after stage to a checkpoint, stopped and resumed at will."""

from pathlib import Path
from typing import Final

from prefect import flow, task
from pydantic import BaseModel

from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_steps import CURVES, train_stages
from flows.train_told import command_of_training, told_of_training
from models.lavida.checkpoint import AnnotatorSettings, save_annotator
from models.lavida.network import LaViDa
from ops.cuffless import LICENCE
from ops.strip.reference import ATTRIBUTION as REFERENCE_ATTRIBUTION
from ops.strip.reference import LICENCE as REFERENCE_LICENCE

CHECKPOINT: Final = "lavida.safetensors"


class TrainAnnotatorSummary(BaseModel):
    """What a training has left; ``--json`` prints it."""

    curves: Path
    checkpoint: Path


@flow(name="train annotator")
def train_annotator(config: TrainAnnotatorConfig) -> TrainAnnotatorSummary:
    """Train on the training groups and on references, watch the validation groups.

    What is in ``out`` is gone on with, if it is of the same configuration.

    Raises:
        OSError: where what is trained on can't be read, or ``out`` not be written.
        ValueError: where ``out`` holds a training of another configuration.
    """
    network = train_stages(config)
    return TrainAnnotatorSummary(
        curves=config.out / CURVES, checkpoint=export_annotator(network, config)
    )


@task(name="export annotator")
def export_annotator(network: LaViDa, config: TrainAnnotatorConfig) -> Path:
    """Write the checkpoint and its card into ``out``."""
    path = config.out / CHECKPOINT
    command = command_of_training("train-annotator", config, data=config.data)
    training = told_of_training(config.data, command)
    licence = LICENCE
    if config.references is not None:
        training["references"] = {
            "data": config.references.name,
            "attribution": REFERENCE_ATTRIBUTION,
            "licence": REFERENCE_LICENCE,
            "left_out": config.leave_out,
        }
        licence = f"{LICENCE}; rhythms {REFERENCE_LICENCE}"
    save_annotator(
        path,
        network,
        AnnotatorSettings(sizes=config.sizes, training=training),
        name=config.name,
        origin=f"pulselake train-annotator on {config.data.name}",
        licence=licence,
    )
    return path
