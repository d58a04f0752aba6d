"""The card beside a checkpoint: what it is, where it came from, and its checksum."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

FORMAT: Final = 1
NOT_STATED: Final = "not stated"
MOST_SHOWN: Final = 80


def _one_line(text: str) -> str:
    """Refuse what a terminal would take for a command."""
    if not text.isprintable():
        message = "it must be one line of printable characters"
        raise ValueError(message)
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Card(BaseModel):
    """What a checkpoint's file can't say of itself; no date, so that it is made the same again."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = Field(description="Of the card.")
    architecture: Name = Field(description="Whose tensors these are.")
    name: Name = Field(description="What the model is called.")
    origin: Text = Field(description="The file, or the training, that the tensors come from.")
    origin_sha256: Sha256 | None = Field(None, description="Of the file that it was made from.")
    licence: Text = NOT_STATED
    sha256: Sha256 = Field(description="Of the bytes of the safetensors file.")
    n_parameters: int = Field(gt=0, description="Numbers in all its tensors.")
    settings: dict[str, JsonValue] = Field({}, description="What the architecture needs beside.")

    @property
    def model_id(self) -> str:
        """Name the model, and tell it from others of its name."""
        return f"{self.name}-{self.sha256[:8]}"

    def to_json(self) -> str:
        """Write the card as it lies beside the file."""
        return self.model_dump_json(indent=2) + "\n"


def make_card(**fields: object) -> Card:
    """Make a card of the present format.

    Raises:
        ValueError: one sentence, naming the field that is wrong.
    """
    try:
        return Card.model_validate({"format": FORMAT, **fields})
    except ValidationError as error:
        message = f"the card can't be made: {_first(error)}"
        raise ValueError(message) from error


def parse_card(text: bytes, where: str) -> Card:
    """Read a card; ``where`` is how a sentence names its file.

    Raises:
        ValueError: one sentence, naming the file and the first field that is wrong.
    """
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        message = f"{where} is no card that can be read here: {_first(error)}"
        raise ValueError(message) from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return said
    field = repr(".".join(str(part) for part in first["loc"]))[:MOST_SHOWN]
    if first["loc"] == ("format",) and first["type"] != "missing":
        said = f"it should be {FORMAT}, the latest that is known here"
    got = "" if first["type"] == "missing" else f", got {first['input']!r:.{MOST_SHOWN}}"
    return f"{field}: {said}{got}"
