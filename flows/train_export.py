"""What a training ends with: heads fitted, bands corrected, a checkpoint and its card written."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from prefect import task
from pydantic import JsonValue

from flows.train_beats import fit_beats
from flows.train_calibrate import calibrate
from flows.train_config import TrainConfig
from flows.train_levels import HeldOut, fit_levels
from flows.train_ranges import seen_ranges
from flows.train_told import command_of_training, told_of_training
from models.card import Card, make_card
from models.tricardio.architecture import ARCHITECTURE
from models.tricardio.beats import Beats
from models.tricardio.checkpoint import Checkpoint, Settings, save_tricardio
from models.tricardio.levels import Levels
from models.tricardio.network import TriCardio
from models.tricardio.restorer import FLOW_STEPS, N_SAMPLES
from ops.cuffless import LICENCE
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines
from schemas.restoration import Range

CHECKPOINT: Final = "tricardio.safetensors"
PER_GROUP: Final = 48
"""Windows of a training group that heads are fitted on."""


@dataclass(frozen=True)
class Heads:
    """What is fitted on the training groups once the network stands."""

    levels: Levels
    beats: Beats
    held_out: list[HeldOut]
    ranges: dict[str, Range]


@task(name="fit heads")
def fitted_heads(network: TriCardio, config: TrainConfig) -> Heads:
    """Fit the heads of pressure and of beats on the training groups."""
    windows = draw(read_timelines([config.data], "train"), PER_GROUP)
    levels, held_out = fit_levels(windows, config)
    beats = fit_beats(network, windows, config)
    return Heads(levels, beats, held_out, seen_ranges(windows))


@task(name="calibrate")
def calibrated(network: TriCardio, heads: Heads, config: TrainConfig) -> Checkpoint:
    """Correct the bands by the calibration groups."""
    settings = Settings(sizes=config.sizes, ranges=heads.ranges, training=_told(config))
    raw = Checkpoint(_placeholder(config), settings, network, heads.levels, heads.beats)
    correction = calibrate(raw, heads.held_out, config, FLOW_STEPS, N_SAMPLES)
    return replace(raw, settings=settings.model_copy(update={"calibration": correction}))


@task(name="export")
def export(checkpoint: Checkpoint, config: TrainConfig) -> Path:
    """Write the checkpoint and its card into ``out``."""
    path = config.out / CHECKPOINT
    save_tricardio(
        path,
        checkpoint,
        name=config.name,
        origin=f"pulselake train on {config.data.name}",
        licence=LICENCE,
    )
    return path


def _told(config: TrainConfig) -> dict[str, JsonValue]:
    command = command_of_training("train", config, data=config.data)
    return told_of_training(config.data, command)


def _placeholder(config: TrainConfig) -> Card:
    return make_card(
        architecture=ARCHITECTURE,
        name=config.name,
        origin="a training that is not over",
        sha256="0" * 64,
        n_parameters=1,
    )
