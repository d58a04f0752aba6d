"""What the commands are told that look after a lake: status, withdraw, vacuum."""

from typing import Final

from pydantic import Field, field_validator

from flows.config import LakeConfig, PlaceConfig
from ops.lake.vacuum import YOUNGEST

_YOUNGEST_H: Final = YOUNGEST.total_seconds() / 3600
_MOST_DAYS: Final = 36_500
"""A century: clocks can't count back much farther."""


class StatusConfig(LakeConfig):
    """What a lake holds, what ran last, and what would run next and why."""

    as_of: str | None = Field(
        None,
        description="Show the lake as it was: a time (2026-11-23 or 2026-11-23T02:00, UTC unless "
        "it says otherwise) or the id of a run, when that had ended.",
    )
    plan: bool = Field(
        True,
        description="Tell what would run next, for which the whole source is listed; a monitor "
        "that asks often leaves it out.",
    )


class WithdrawConfig(PlaceConfig):
    """Take a model's rows out of a lake, in one commit, and refuse the model from then on."""

    model_id: str = Field(description="The model, as the column model_id spells it.")
    allow: bool = Field(
        False, description="Take its rows again from now on; those taken out do not come back."
    )

    @field_validator("model_id")
    @classmethod
    def _model_has_a_name(cls, text: str) -> str:
        if not text.strip():
            message = "a model needs a name"
            raise ValueError(message)
        return text


class VacuumConfig(PlaceConfig):
    """Remove files that nights cut short have left, and those that no kept version needs."""

    dry_run: bool = Field(False, description="Say what would go, and remove nothing.")
    keep_days: float = Field(
        30.0,
        ge=1,
        le=_MOST_DAYS,
        allow_inf_nan=False,
        description="Days for which the lake can still be read as it was.",
    )
    older_than_hours: float = Field(
        _YOUNGEST_H,
        ge=_YOUNGEST_H,
        le=24 * _MOST_DAYS,
        allow_inf_nan=False,
        description="Hours below which no file goes, since a night may still commit it; never "
        f"fewer than {_YOUNGEST_H:g}.",
    )
