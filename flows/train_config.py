"""What a training is told."""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from models.tricardio.architecture import Sizes


class TrainConfig(Sizes):
    """The cuff-less set's Parquet files into a checkpoint of TriCardio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(description="Folder of Parquet files, records.csv beside them.")
    out: Path = Field(description="Folder for the training's state, its curves, its checkpoint.")
    steps: int = Field(12_000, gt=0, description="Steps of the whole training.")
    batch: int = Field(64, gt=0, description="Windows a step.")
    rate: float = Field(2e-3, gt=0, description="Highest learning rate.")
    seed: int = Field(0, ge=0, description="Of weights, draws and noise.")
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where to train.")
    save_every: int = Field(250, gt=0, description="Steps between two states that are kept.")
    validate_every: int = Field(500, gt=0, description="Steps between two validations.")
