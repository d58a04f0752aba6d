"""Sizes of a LaViDa, as its card holds them: those of the release, and our own."""

from math import ceil
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES
from schemas.strip_image import HEIGHT

ARCHITECTURE: Final = "lavida"

CROPS: Final = 4
"""Of a strip of one window, side by side along time."""

SIDE: Final = WINDOW_SAMPLES // CROPS
"""Samples of a view of signals; the whole is thinned to as many."""

CHANNELS: Final = 2 * len(MODALITIES)
"""Of signals: a modality's samples, and where they were observed."""

LooksAt = Literal["signal", "image"]

VIEWS: Final[dict[LooksAt, tuple[int, int]]] = {"signal": (CHANNELS, SIDE), "image": (1, HEIGHT)}
"""Channels and side of what an annotator looks at."""


class _Sizes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TowerSizes(_Sizes):
    """The encoder of views: a transformer over patches of a signal (1-D) or an image (2-D)."""

    kind: LooksAt
    channels: int = Field(gt=0, description="Of what is looked at.")
    side: int = Field(gt=0, description="Samples of a view, or pixels of its side.")
    patch: int = Field(gt=0, description="Samples or pixels that a token sees.")
    stride: int = Field(gt=0, description="From one token to the next.")
    width: int = Field(gt=0)
    depth: int = Field(gt=0)
    heads: int = Field(gt=0)
    mlp: int = Field(gt=0)
    eps: float = Field(1e-6, gt=0, description="Of its layer norms.")

    @property
    def dimensions(self) -> int:
        """Of a view: 1 or 2."""
        return 1 if self.kind == "signal" else 2

    @property
    def tokens(self) -> int:
        """Along a side."""
        return (self.side - self.patch) // self.stride + 1

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        _divides(self.width, self.heads)
        if self.patch > self.side:
            message = f"a patch of {self.patch} does not fit into a view of {self.side}"
            raise ValueError(message)
        return self


class LanguageSizes(_Sizes):
    """The language model: LLaDA's layers, bidirectional, without biases."""

    vocabulary: int = Field(gt=0)
    width: int = Field(gt=0)
    depth: int = Field(gt=0)
    heads: int = Field(gt=0)
    mlp: int = Field(gt=0)
    theta: float = Field(5e5, gt=0, description="Base of RoPE.")
    eps: float = Field(1e-5, gt=0, description="Of RMSNorm.")

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        _divides(self.width, self.heads)
        if self.width // self.heads % 2:
            message = f"RoPE turns pairs: a head of {self.width // self.heads} has none left over"
            raise ValueError(message)
        return self


class Sizes(_Sizes):
    """Of the whole.

    A view is the whole strip or a crop of it; ``grid`` is how many crops lie in rows and columns.
    """

    tower: TowerSizes
    language: LanguageSizes
    grid: tuple[PositiveInt, PositiveInt] = Field((1, 4), description="Rows and columns of crops.")
    pool: int = Field(2, gt=0, description="By which the tokens of a view are thinned, a side.")

    @property
    def views(self) -> int:
        """The whole and its crops."""
        return 1 + self.grid[0] * self.grid[1]

    @property
    def pooled(self) -> int:
        """Tokens along a side of a view after pooling."""
        return ceil(self.tower.tokens / self.pool)

    @property
    def prefix(self) -> int:
        """Tokens that the language model gets of a strip, row ends included."""
        rows, columns = self.grid
        high = self.pooled if self.tower.dimensions == 2 else 1
        return high * self.pooled + rows * high * (columns * self.pooled + 1)


def _divides(width: int, heads: int) -> None:
    if width % heads:
        message = f"a width of {width} can't be shared by {heads} heads"
        raise ValueError(message)


RELEASED: Final = Sizes(
    tower=TowerSizes(
        kind="image",
        channels=3,
        side=384,
        patch=14,
        stride=14,
        width=1152,
        depth=26,
        heads=16,
        mlp=4304,
    ),
    language=LanguageSizes(vocabulary=126_464, width=4096, depth=32, heads=32, mlp=12_288),
    grid=(2, 2),
)
"""LaViDa-LLaDA: SigLIP so400m without its last layer, and LLaDA-8B."""
