"""What an annotation of an image is told, and the command that takes a lake or an image."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.config import without_secrets
from flows.options import build


class AnnotateImageConfig(BaseModel):
    """One strip, as a scan shows it, into words about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    image: str = Field(
        min_length=1,
        description="Annotate one strip of 4 s in an image (PNG, JPEG, TIFF, …) and write nothing: "
        "ECG, PPG and ABP in lanes from top to bottom, ABP from 0 to 200 mmHg.",
    )
    checkpoint: str | None = None
    steps: int | None = Field(None, ge=1, le=64)

    @field_validator("image", "checkpoint")
    @classmethod
    def _without_secrets(cls, url: str | None) -> str | None:
        return url and without_secrets(url)


def lake_or_image(
    of_lake: Callable[..., None], of_image: Callable[[AnnotateImageConfig, bool], None]
) -> Callable[..., None]:
    """Let a command of a lake take an image instead, with its own checkpoint and steps."""

    def command(**given: Any) -> None:
        image = given.pop("image")
        if image is not None:
            of_image(*_told(given, image))
        elif given["lake"] is None and given["config"] is None:
            message = "a LAKE or an --image is needed"
            raise typer.BadParameter(message)
        else:
            of_lake(**given)

    parameters = [*inspect.signature(of_lake).parameters.values(), _IMAGE]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = of_lake.__doc__
    return command


def _told(given: dict[str, Any], image: str) -> tuple[AnnotateImageConfig, bool]:
    """Make a config of what was given beside an image, and say whether JSON is asked for.

    Raises:
        typer.BadParameter: naming what does not go with an image.
    """
    file, json = given.pop("config"), given.pop("json")
    if given["lake"] is not None:
        message = "either a LAKE or an --image is needed, not both"
        raise typer.BadParameter(message)
    # By identity: no steps at all are 0, and 0 is False.
    told = {
        n: value for n, value in given.items() if value not in (None, []) and value is not False
    }
    for name in told.keys() - AnnotateImageConfig.model_fields.keys():
        message = f"--{name.replace('_', '-')} does not go with --image"
        raise typer.BadParameter(message)
    return build(AnnotateImageConfig, {**told, "image": image}, file), json


_IMAGE: Final = inspect.Parameter(
    "image",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Option(
            help=AnnotateImageConfig.model_fields["image"].description, show_default=False
        ),
    ],
)
