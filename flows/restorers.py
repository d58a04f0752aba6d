"""Which restorers there are, and what a run is told of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field, model_validator

from ops import restored
from ops.restore import ClassicalRestorer
from schemas.restoration import Restorer

if TYPE_CHECKING:
    from models.unicardio.samplers import Sampler

RestorerName = Literal["classical", "unicardio"]


class RestorerConfig(BaseModel):
    """What fills a window: the restorer, and how samples of it are drawn."""

    restorer: RestorerName = Field(
        "classical", description="What fills windows: classical, or unicardio with its checkpoint."
    )
    checkpoint: str | None = Field(
        None,
        description="Checkpoint (.safetensors, its card beside it) of a model that fills windows.",
    )
    sampler: Literal["ddim", "ddpm"] = Field("ddim", description="How a model draws its samples.")
    steps: int = Field(6, ge=1, le=48, description="Steps of DDIM; DDPM takes its own 50.")
    samples: int = Field(
        10, ge=2, description="Samples of each window that mean and band are taken over."
    )
    chunk: int | None = Field(
        None,
        ge=1,
        description="Samples through a model at once, which its memory is in proportion to; "
        "by default 10, on a GPU 512.",
    )
    gpus_per_actor: float = Field(0.0, ge=0, description="Share of a GPU that each actor takes.")
    fast: bool | None = Field(
        None, description="bf16 and compiled kernels; by default where actors have a GPU."
    )

    @model_validator(mode="before")
    @classmethod
    def _checkpoint_chooses(cls, fields: object) -> object:
        """Let a checkpoint choose its restorer, and make its local path absolute."""
        if not isinstance(fields, dict) or not fields.get("checkpoint"):
            return fields
        path = str(fields["checkpoint"])
        if "://" not in path:
            path = str(Path(path).expanduser().resolve())
        return {"restorer": "unicardio", **fields, "checkpoint": path}

    @model_validator(mode="after")
    def _restorer_has_what_it_needs(self) -> Self:
        if self.restorer == "unicardio" and self.checkpoint is None:
            message = "restorer unicardio needs a checkpoint"
            raise ValueError(message)
        if self.restorer == "classical" and self.checkpoint is not None:
            message = f"restorer classical takes no checkpoint, got {self.checkpoint}"
            raise ValueError(message)
        return self


def make_restorer(config: RestorerConfig) -> Restorer:
    """Make a restorer where it is to run.

    Raises:
        OSError: where its checkpoint can't be read.
        ValueError: where its checkpoint is not one.
    """
    if config.checkpoint is None:
        return ClassicalRestorer()
    # torch takes seconds to import, and a classical night needs none of it.
    from models.unicardio.restorer import CODE, UniCardioRestorer

    on_gpu = config.gpus_per_actor > 0
    return UniCardioRestorer(
        config.checkpoint,
        _sampler(config),
        config.samples,
        restored.from_samples,
        code_sha256=restored.hash_files((*CODE, *restored.CODE)),
        device="cuda" if on_gpu else "cpu",
        fast=on_gpu if config.fast is None else config.fast,
        chunk=config.chunk,
    )


def _sampler(config: RestorerConfig) -> "Sampler":
    from models.unicardio.samplers import DDIM, DDPM

    return DDPM() if config.sampler == "ddpm" else DDIM(config.steps)
