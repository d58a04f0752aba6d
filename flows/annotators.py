"""Which annotators there are, and what a run is told of them."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from flows.paths import absolute
from ops.restored import hash_files
from schemas.annotator import Annotator

AnnotatorName = Literal["rules", "lavida"]


class AnnotatorConfig(BaseModel):
    """What annotates a window, and how long it may think."""

    annotator: AnnotatorName | None = Field(
        None,
        description="What annotates windows: rules, or lavida with its checkpoint; by default "
        "rules, or lavida where there is a checkpoint.",
    )
    checkpoint: str | None = Field(
        None,
        description="Checkpoint (.safetensors, its card beside it) of a model that annotates.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Steps in which a model fills a template: few are fast, many are good; by "
        "default its own.",
    )
    gpus_per_actor: float = Field(0.0, ge=0, description="Share of a GPU that each actor takes.")

    @model_validator(mode="before")
    @classmethod
    def _something_annotates(cls, fields: Any) -> Any:
        """Name what annotates, and make a local path absolute."""
        if not isinstance(fields, dict):
            return fields
        if not fields.get("checkpoint"):
            named = fields.get("annotator") or "rules"
            return {**fields, "checkpoint": None, "annotator": named}
        path = absolute(str(fields["checkpoint"]))
        return {**fields, "checkpoint": path, "annotator": fields.get("annotator") or "lavida"}

    @model_validator(mode="after")
    def _annotator_has_what_it_needs(self) -> Self:
        if self.annotator == "lavida" and self.checkpoint is None:
            message = "annotator lavida needs a checkpoint"
            raise ValueError(message)
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
    if config.checkpoint is None:
        from ops.strip.rules import RulesAnnotator

        return RulesAnnotator()
    return _lavida(config.checkpoint, config)


def _lavida(checkpoint: str, config: AnnotatorConfig) -> Annotator:
    # torch takes seconds to import, and the rules need none of it.
    from models.lavida.annotator import CODE, LaVidaAnnotator
    from models.lavida.checkpoint import read_annotator
    from models.lavida.sampling import Dial

    return LaVidaAnnotator(
        read_annotator(checkpoint),
        Dial(config.steps) if config.steps else None,
        code_sha256=hash_files(CODE),
        device="cuda" if config.gpus_per_actor > 0 else "cpu",
    )
