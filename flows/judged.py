"""The figures of an evaluation, into the card of the checkpoint that it judged."""

import json
from pathlib import Path
from typing import Any

from models.card import Card
from models.checkpoint import change_settings
from models.tricardio.checkpoint import read_tricardio

KEPT = ("source", "split", "files", "per_group", "windows", "groups", "claims")


def put_judgement(file: Path, result: Path) -> Card:
    """Keep whom a checkpoint was judged on and what it reached; older figures go.

    Raises:
        OSError: where one of the files can't be read or written.
        ValueError: where ``result`` is no evaluation, or not of this checkpoint.
    """
    checkpoint = read_tricardio(str(file))
    told = _evaluation(result)
    model = checkpoint.card.model_id
    if model not in told["claims"]:
        message = f"{result} judged {', '.join(told['claims']) or 'no model'}, not {model}"
        raise ValueError(message)
    kept = {name: told[name] for name in KEPT} | {"claims": told["claims"][model]}
    settings = checkpoint.settings
    training = settings.training | {"judged": kept}
    changed = settings.model_copy(update={"training": training})
    return change_settings(file, changed.model_dump(mode="json"))


def _evaluation(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{path} is no JSON"
        raise ValueError(message) from error
    lacking = [n for n in KEPT if not isinstance(told, dict) or n not in told]
    if lacking or not isinstance(told["claims"], dict):
        message = f"{path} is not what an evaluation wrote: it has no {', '.join(lacking)}"
        raise ValueError(message)
    return dict(told)
