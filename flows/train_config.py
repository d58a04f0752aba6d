"""What a training is told."""

from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from models.tricardio.architecture import Sizes


class TrainConfig(Sizes):
    """The cuff-less set's Parquet files into a checkpoint of TriCardio."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data: Path = Field(description="Folder of Parquet files, records.csv beside them.")
    out: Path = Field(description="Folder for the training's state, its curves, its checkpoint.")
    name: str = Field("tricardio-1", description="What the checkpoint is called.")
    steps: int = Field(7_000, gt=0, description="Steps of the whole training.")
    batch: int = Field(64, gt=0, description="Windows a step.")
    rate: float = Field(2e-3, gt=0, description="Highest learning rate.")
    seed: int = Field(0, ge=0, description="Of weights, draws and noise.")
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where to train.")
    workers: int = Field(
        1, ge=1, description="Processes that train together, each on a GPU of its own if on cuda."
    )
    save_every: int = Field(250, gt=0, description="Steps between two states that are kept.")
    validate_every: int = Field(500, gt=0, description="Steps between two validations.")

    @property
    def sizes(self) -> Sizes:
        """Give the network's widths and depths alone."""
        return Sizes(**{name: getattr(self, name) for name in Sizes.model_fields})

    @model_validator(mode="after")
    def _a_share_for_each_worker(self) -> Self:
        if self.batch % self.workers:
            message = (
                f"batch must be divisible by workers, so that each draws as many windows: "
                f"got {self.batch} windows for {self.workers} workers"
            )
            raise ValueError(message)
        return self
