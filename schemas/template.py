"""The template of an annotation, filled: always valid, and always parsed again.

It is JSON text: rhythm and heart rate; quality and artefact of each signal; a pressure band and
where it came from; the span of the strip that shows best what is said; a short note. ``unknown``
is always allowed.
"""

import json
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.annotation import (
    OF_A_LINE,
    RATES,
    SPAN_STEP_S,
    UNKNOWN,
    Artefact,
    Band,
    Quality,
    Rhythm,
    Shown,
    Source,
    Unknown,
    goes,
    phrases_of,
    rate_fits,
    seconds_of,
    source_fits,
    step_of,
)
from schemas.grid import WINDOW_S
from schemas.modality import Modality

Seconds = Annotated[float, Field(ge=0, le=WINDOW_S, allow_inf_nan=False)]
"""From the window's start."""


class Signal(BaseModel):
    """How fit one signal is, and what is wrong with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: Quality = UNKNOWN
    artefact: Artefact = UNKNOWN

    @model_validator(mode="after")
    def _nothing_wrong_with_nothing(self) -> Self:
        if not goes(self.quality, self.artefact):
            message = f"a signal that is absent has no artefact, got {self.artefact}"
            raise ValueError(message)
        return self


class Pressure(BaseModel):
    """Where the pressure lies, and where that is known from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    band: Band = UNKNOWN
    source: Source = "none"

    @model_validator(mode="after")
    def _from_somewhere(self) -> Self:
        if self.source == "none" and self.band != UNKNOWN:
            message = f"a pressure from nowhere has no band, got {self.band}"
            raise ValueError(message)
        return self


class Evidence(BaseModel):
    """The span that shows what is said, in seconds from the window's start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal: Shown = UNKNOWN
    from_s: Seconds | Unknown = UNKNOWN
    to_s: Seconds | Unknown = UNKNOWN

    @model_validator(mode="after")
    def _a_span(self) -> Self:
        if self.signal == UNKNOWN:
            if (self.from_s, self.to_s) != (UNKNOWN, UNKNOWN):
                message = "a span of no signal is unknown"
                raise ValueError(message)
            return self
        if self.from_s == UNKNOWN or self.to_s == UNKNOWN:
            message = f"evidence in {self.signal} has a span, got {self.from_s} to {self.to_s}"
            raise ValueError(message)
        on_grid = all(abs(seconds_of(step_of(s)) - s) < 1e-6 for s in (self.from_s, self.to_s))
        if not on_grid or self.from_s >= self.to_s:
            message = (
                f"evidence must be a span in steps of {SPAN_STEP_S} s, "
                f"got {self.from_s} to {self.to_s} s"
            )
            raise ValueError(message)
        return self


class Annotation(BaseModel):
    """A filled template; what can't be told is ``unknown``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rhythm: Rhythm = UNKNOWN
    heart_rate: Annotated[int, Field(ge=RATES[0], le=RATES[1])] | Unknown = UNKNOWN
    ecg: Signal = Signal()
    ppg: Signal = Signal()
    abp: Signal = Signal()
    pressure: Pressure = Pressure()
    evidence: Evidence = Evidence()
    note: str = UNKNOWN

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        for m in ("ecg", "ppg"):
            if self.signal(m).artefact in OF_A_LINE:
                message = f"{m} can't be {self.signal(m).artefact}: that is of an arterial line"
                raise ValueError(message)
        if self.heart_rate != UNKNOWN and not rate_fits(self.rhythm, self.heart_rate):
            message = f"a rate of {self.heart_rate} is no {self.rhythm} rhythm"
            raise ValueError(message)
        if not source_fits(self.abp.quality, self.pressure.source):
            message = f"a pressure can't be {self.pressure.source} where abp is {self.abp.quality}"
            raise ValueError(message)
        if (
            self.evidence.signal != UNKNOWN
            and self.signal(self.evidence.signal).quality == "absent"
        ):
            message = f"there is no evidence in {self.evidence.signal}, which is absent"
            raise ValueError(message)
        phrases_of(self.note)
        return self

    def signal(self, modality: Modality) -> Signal:
        """Give what is said of a modality."""
        said: Signal = getattr(self, modality)
        return said

    def to_json(self) -> str:
        """Write the template as it lies in the lake."""
        return self.model_dump_json()


_BRANCHES: Final = ("constrained-", "literal[")
"""How pydantic names the choices of a slot, which are none of ours."""


def parse_annotation(text: str) -> Annotation:
    """Read a filled template.

    Raises:
        ValueError: one sentence that names the slot.
    """
    try:
        return Annotation.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parts = [str(part) for part in first["loc"] if not str(part).startswith(_BRANCHES)]
        slot = ".".join(parts) or "template"
        message = f"{slot}: {first['msg'].removeprefix('Value error, ')}"
        raise ValueError(message) from error
    except (json.JSONDecodeError, RecursionError) as error:
        message = f"an annotation is JSON text: {error}"
        raise ValueError(message) from error
