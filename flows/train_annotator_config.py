"""What a training of the annotator is told."""

from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.lavida.architecture import (
    CROPS,
    VIEWS,
    LanguageSizes,
    LooksAt,
    Sizes,
    TowerSizes,
)
from models.lavida.stages import REFERENCED, Stage
from models.lavida.words import WORDS

_HEAD: Final = 32
_PATCHES: Final[dict[LooksAt, tuple[int, int]]] = {"signal": (9, 3), "image": (16, 16)}
"""Side and stride of the patches of a view."""


class TrainAnnotatorConfig(BaseModel):
    """The cuff-less set and records with reference rhythms into a checkpoint of LaViDa."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data: Path = Field(description="Folder of Parquet files, records.csv beside them.")
    references: Path | None = Field(
        None, description="Folder of WFDB records with reference beats and rhythms (.atr)."
    )
    leave_out: str = Field("", description="Record with a reference that is kept apart, to judge.")
    begin: Path | None = Field(
        None, description="State of a stage of another training, whose weights are begun with."
    )
    out: Path = Field(description="Folder for the stages' states, their curves, the checkpoint.")
    kind: LooksAt = Field(
        "signal",
        description="What is looked at: signal, or image (strips of windows as scans show them).",
    )
    name: str = Field("lavida-strips-1", description="What the checkpoint is called.")
    steps_0: int = Field(2_000, ge=0, description="Of the encoder with linear heads.")
    steps_1: int = Field(100, ge=0, description="Of the projector alone.")
    steps_2: int = Field(1_500, ge=0, description="Of everything.")
    steps_3a: int = Field(300, ge=0, description="Of infilling.")
    steps_3b: int = Field(
        0,
        ge=0,
        description="Of reasoning: traces can then be filled before answers, and answers without "
        "one may be less right.",
    )
    peers: bool = Field(
        False,
        description="Train those that the annotator is judged beside, too: linear heads, "
        "and the same network read from left to right.",
    )
    batch: int = Field(64, gt=0, description="Strips a step.")
    rate: float = Field(1e-3, gt=0, description="Highest learning rate.")
    tower_width: int = Field(128, gt=0, multiple_of=_HEAD, description="Of the encoder.")
    tower_depth: int = Field(3, gt=0, description="Layers of the encoder.")
    width: int = Field(128, gt=0, multiple_of=_HEAD, description="Of the language model.")
    depth: int = Field(4, gt=0, description="Layers of the language model.")
    weighting: Literal["mean", "time"] = Field(
        "mean", description="Masked tokens alike, as released, or by 1/t, as in the paper."
    )
    seed: int = Field(0, ge=0, description="Of weights, draws and masks.")
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where to train.")
    save_every: int = Field(250, gt=0, description="Steps between two states that are kept.")

    @model_validator(mode="before")
    @classmethod
    def _images_have_a_name(cls, fields: Any) -> Any:
        """Name what looks at images otherwise, unless it has a name."""
        if isinstance(fields, dict) and fields.get("kind") == "image":
            return {"name": "lavida-images-1", **fields}
        return fields

    @model_validator(mode="after")
    def _what_is_left_out_was_never_seen(self) -> Self:
        if self.leave_out and self.begin and self.begin.stem in REFERENCED:
            message = f"{self.begin} may know record {self.leave_out}: begin with an earlier stage"
            raise ValueError(message)
        return self

    @property
    def sizes(self) -> Sizes:
        """Give the network's widths and depths."""
        (channels, side), (patch, stride) = VIEWS[self.kind], _PATCHES[self.kind]
        tower = TowerSizes(
            kind=self.kind,
            channels=channels,
            side=side,
            patch=patch,
            stride=stride,
            width=self.tower_width,
            depth=self.tower_depth,
            heads=self.tower_width // _HEAD,
            mlp=2 * self.tower_width,
        )
        language = LanguageSizes(
            vocabulary=len(WORDS),
            width=self.width,
            depth=self.depth,
            heads=self.width // _HEAD,
            mlp=5 * self.width // 2,
        )
        return Sizes(tower=tower, language=language, grid=(1, CROPS))

    def steps_of(self, stage: Stage) -> int:
        """Give how long a stage is."""
        steps: int = getattr(self, f"steps_{stage}")
        return steps
