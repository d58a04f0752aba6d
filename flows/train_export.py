"""What a training ends with: heads fitted, bands corrected, a checkpoint and its card written."""

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from prefect import task
from pydantic import JsonValue

from flows.train_calibrate import calibrate
from flows.train_config import TrainConfig
from flows.train_levels import fit_levels
from models.card import Card, make_card
from models.tricardio.architecture import ARCHITECTURE
from models.tricardio.checkpoint import Checkpoint, Settings, save_tricardio
from models.tricardio.levels import Levels
from models.tricardio.network import TriCardio
from models.tricardio.restorer import FLOW_STEPS, N_SAMPLES
from ops.cuffless import ATTRIBUTION, LICENCE, groups_of
from ops.judge.parquet import parquet_files
from ops.split import SPLITS

CHECKPOINT: Final = "tricardio.safetensors"


@task(name="fit levels")
def fitted_levels(network: TriCardio, config: TrainConfig) -> Levels:
    """Fit the heads of pressure on the training groups."""
    return fit_levels(network, config)


@task(name="calibrate")
def calibrated(network: TriCardio, levels: Levels, config: TrainConfig) -> Settings:
    """Correct the bands by the calibration groups."""
    settings = Settings(sizes=config.sizes, training=_training(config))
    raw = Checkpoint(_placeholder(config), settings, network, levels)
    correction = calibrate(raw, config, FLOW_STEPS, N_SAMPLES)
    return settings.model_copy(update={"calibration": correction})


@task(name="export")
def export(network: TriCardio, levels: Levels, settings: Settings, config: TrainConfig) -> Path:
    """Write the checkpoint and its card into ``out``."""
    path = config.out / CHECKPOINT
    save_tricardio(
        path,
        network,
        levels,
        settings,
        name=config.name,
        origin=f"pulselake train on {config.data.name}",
        licence=LICENCE,
    )
    return path


def _training(config: TrainConfig) -> dict[str, JsonValue]:
    """Say what it was trained on, and how that can be done again."""
    return {
        "data": config.data.name,
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
        "groups": {split: list(groups_of(parquet_files([config.data]), split)) for split in SPLITS},
        "command": _command(config),
        "commit": _commit(),
        "torch": version("torch"),
    }


def _command(config: TrainConfig) -> str:
    """Give the command that trains this again; where data and results lie has no say."""
    said = config.model_dump(exclude={"data", "out"}, exclude_defaults=True, mode="json")
    options = [f"--{name.replace('_', '-')} {value}" for name, value in said.items()]
    return " ".join([f"pulselake train --data {config.data.name} --out OUT", *options])


def _commit() -> str:
    """Name the commit of the code, where it is run from a checkout."""
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "not stated"


def _placeholder(config: TrainConfig) -> Card:
    return make_card(
        architecture=ARCHITECTURE,
        name=config.name,
        origin="a training that is not over",
        sha256="0" * 64,
        n_parameters=1,
    )
