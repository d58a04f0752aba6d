"""Which restorers there are, and what a run is told of them."""

from typing import Literal, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from flows.paths import absolute
from ops import features, restored
from ops.restore import ClassicalRestorer
from schemas.restoration import Restorer

RestorerName = Literal["tricardio", "classical", "unicardio"]


class RestorerConfig(BaseModel):
    """What fills a window: the restorer, and how samples of it are drawn."""

    restorer: RestorerName | None = Field(
        None,
        description="What fills windows: tricardio, classical, or unicardio with its checkpoint; "
        "by default tricardio, or what the checkpoint's card says.",
    )
    checkpoint: str | None = Field(
        None,
        description="Checkpoint (.safetensors, its card beside it) of a model that fills windows; "
        "by default the TriCardio that comes along.",
    )
    sampler: Literal["ddim", "ddpm"] | None = Field(
        None, description="How UniCardio draws its samples; by default ddim."
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=48,
        description="Steps of a model's sampler, by default 6 of DDIM, 2 of TriCardio's flow; DDPM "
        "takes its own 50.",
    )
    samples: int = Field(
        10,
        ge=2,
        description="Samples of each window, of which UniCardio takes mean and band, and TriCardio "
        "the pressures of an ABP that it mends.",
    )
    chunk: int | None = Field(
        None,
        ge=1,
        description="Samples through a model at once, which its memory is in proportion to; "
        "by default 10 of UniCardio, 320 of TriCardio; on a GPU 512 and 10,240.",
    )
    gpus_per_actor: float = Field(0.0, ge=0, description="Share of a GPU that each actor takes.")
    fast: bool | None = Field(
        None,
        description="UniCardio by bf16 and compiled kernels; by default where actors have a GPU.",
    )

    @model_validator(mode="before")
    @classmethod
    def _something_fills(cls, fields: object) -> object:
        """Name TriCardio where nothing is, and make a local path absolute."""
        if not isinstance(fields, dict):
            return fields
        if not fields.get("checkpoint"):
            named = fields.get("restorer") or "tricardio"
            return {**fields, "checkpoint": None, "restorer": named}
        return {**fields, "checkpoint": absolute(str(fields["checkpoint"]))}

    @model_validator(mode="after")
    def _restorer_has_what_it_needs(self) -> Self:
        if self.restorer == "unicardio" and self.checkpoint is None:
            message = "restorer unicardio needs a checkpoint"
            raise ValueError(message)
        if self.restorer == "classical" and self.checkpoint is not None:
            message = f"restorer classical takes no checkpoint, got {self.checkpoint}"
            raise ValueError(message)
        self.see_sampler()
        return self

    def see_sampler(self) -> None:
        """See that the restorer, once it is named, has a choice of sampler where one is given.

        Raises:
            ValueError: where it has none.
        """
        if self.restorer in ("tricardio", "classical") and self.sampler is not None:
            message = f"restorer {self.restorer} has no choice of sampler, got {self.sampler}"
            raise ValueError(message)


Config = TypeVar("Config", bound=RestorerConfig)


def named(config: Config) -> Config:
    """Name the restorer of a checkpoint that came without one, by its card.

    Raises:
        OSError: where the card can't be read.
        ValueError: where it is none, or was told what its restorer has no choice of.
    """
    if config.restorer or config.checkpoint is None:
        return config
    from models.checkpoint import architecture_of
    from models.tricardio.architecture import ARCHITECTURE as TRICARDIO

    # What is neither is refused by the one that has been there longer.
    found = architecture_of(config.checkpoint)
    known = config.model_copy(update={"restorer": TRICARDIO if found == TRICARDIO else "unicardio"})
    known.see_sampler()
    return known


def make_restorer(config: RestorerConfig) -> Restorer:
    """Make a restorer where it is to run.

    Raises:
        OSError: where its checkpoint can't be read.
        ValueError: where its checkpoint is not one.
    """
    if config.restorer == "classical":
        return ClassicalRestorer()
    # torch takes seconds to import, and a classical night needs none of it.
    make = _tricardio if named(config).restorer == "tricardio" else _unicardio
    return make(config)


def _tricardio(config: RestorerConfig) -> Restorer:
    from models.tricardio.checkpoint import SHIPPED, read_tricardio
    from models.tricardio.restorer import CODE, FLOW_STEPS, TriCardioRestorer

    return TriCardioRestorer(
        read_tricardio(config.checkpoint or str(SHIPPED)),
        config.steps or FLOW_STEPS,
        config.samples,
        restored.from_made,
        features.described,
        code_sha256=restored.hash_files((*CODE, *restored.CODE, *features.CODE)),
        device="cuda" if config.gpus_per_actor > 0 else "cpu",
        rows=config.chunk and max(1, config.chunk // config.samples),
    )


def _unicardio(config: RestorerConfig) -> Restorer:
    from models.unicardio.restorer import CODE, UniCardioRestorer
    from models.unicardio.samplers import DDIM, DDPM

    on_gpu = config.gpus_per_actor > 0
    return UniCardioRestorer(
        str(config.checkpoint),
        DDPM() if config.sampler == "ddpm" else DDIM(config.steps) if config.steps else DDIM(),
        config.samples,
        restored.from_samples,
        code_sha256=restored.hash_files((*CODE, *restored.CODE)),
        device="cuda" if on_gpu else "cpu",
        fast=on_gpu if config.fast is None else config.fast,
        chunk=config.chunk,
    )
