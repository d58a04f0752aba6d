"""Sizes of a TriCardio, as its card holds them."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES

ARCHITECTURE: Final = "tricardio"


SPAN: Final = WINDOW_SAMPLES + 2 * MARGIN_SAMPLES
"""Samples that the network sees: a window and its margins."""

CORE: Final = slice(MARGIN_SAMPLES, MARGIN_SAMPLES + WINDOW_SAMPLES)

PATCH: Final = 25
"""Samples a token: 0.2 s."""

TOKENS: Final = SPAN // PATCH

FINE: Final = 5
"""Samples of a fine position: 40 ms, half a QRS."""

POSITIONS: Final = SPAN // FINE


class Sizes(BaseModel):
    """Widths and depths; the defaults are what a training takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(256, gt=0, description="Channels of a token of the encoder.")
    depth: int = Field(4, gt=0, description="Layers of the encoder.")
    heads: int = Field(8, gt=0, description="Attention heads of the encoder.")
    fine_width: int = Field(64, gt=0, description="Channels of a fine position of the encoder.")
    falls: int = Field(1, gt=0, description="Fine layers before the tokens.")
    rises: int = Field(2, gt=0, description="Fine layers after them.")
    flow_width: int = Field(192, gt=0, description="Channels of a token of the flow.")
    flow_depth: int = Field(2, gt=0, description="Layers of the flow.")
    flow_heads: int = Field(6, gt=0, description="Attention heads of the flow.")

    @model_validator(mode="after")
    def _heads_divide(self) -> "Sizes":
        pairs = ((self.width, self.heads), (self.flow_width, self.flow_heads))
        for width, heads in pairs:
            if width % heads:
                message = f"a width of {width} can't be shared by {heads} heads"
                raise ValueError(message)
        return self
