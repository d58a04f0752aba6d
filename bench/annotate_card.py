"""The figures of a benchmark in the card of the annotator that it judged."""

from pathlib import Path
from typing import Any

from models.checkpoint import change_settings
from models.lavida.checkpoint import read_annotator


def put_in_card(checkpoint: Path, name: str, figures: dict[str, Any]) -> None:
    """Put figures under a name beside what the card says of the training.

    Raises:
        OSError: where the checkpoint can't be read or its card not be written.
        ValueError: where it is no annotator.
    """
    settings = read_annotator(str(checkpoint)).settings
    changed = settings.model_copy(update={"training": settings.training | {name: figures}})
    change_settings(checkpoint, changed.model_dump(mode="json"))
