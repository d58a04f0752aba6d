"""Which annotators there are, and what a run is told of them."""

from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from flows.paths import absolute
from ops.restored import hash_files
from schemas.annotator import Annotator

AnnotatorName = Literal["rules", "lavida"]


class AnnotatorConfig(BaseModel):
    """What annotates a window, and how long it may think."""

    annotator: AnnotatorName = Field(
        "lavida",
        description="What annotates windows: lavida, or the rules alone, which are faster and know "
        "less.",
    )
    checkpoint: str | None = Field(
        None,
        description="Checkpoint (.safetensors, its card beside it) of a LaViDa that annotates; by "
        "default the one that comes along.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Steps in which a model fills a template: few are fast, many are good; by "
        "default its own.",
    )
    gpus_per_actor: float = Field(0.0, ge=0, description="Share of a GPU that each actor takes.")

    @field_validator("checkpoint", mode="before")
    @classmethod
    def _checkpoint_from_anywhere(cls, path: object) -> object:
        """Make a local path absolute, and none of an empty one."""
        return absolute(path) if isinstance(path, str) and path else None

    @model_validator(mode="after")
    def _rules_take_nothing(self) -> Self:
        if self.annotator == "rules" and self.checkpoint is not None:
            message = f"annotator rules takes no checkpoint, got {self.checkpoint}"
            raise ValueError(message)
        if self.annotator == "rules" and self.steps is not None:
            message = f"annotator rules takes no steps, got {self.steps}"
            raise ValueError(message)
        return self


def make_annotator(config: AnnotatorConfig) -> Annotator:
    """Make an annotator where it is to run.

    Raises:
        OSError: where its checkpoint can't be read.
        ValueError: where its checkpoint is not one, or that of a model that annotates nothing.
    """
    from ops.strip.rules import RulesAnnotator

    if config.annotator == "rules":
        return RulesAnnotator()
    # torch takes seconds to import, and the rules need none of it.
    from models.lavida.annotator import CODE, LaVidaAnnotator
    from models.lavida.checkpoint import read_annotator
    from models.lavida.sampling import Dial
    from models.lavida.shipped import STRIPS

    return LaVidaAnnotator(
        read_annotator(config.checkpoint or str(STRIPS)),
        RulesAnnotator(),
        Dial(config.steps) if config.steps else None,
        code_sha256=hash_files(CODE),
        device="cuda" if config.gpus_per_actor > 0 else "cpu",
    )
