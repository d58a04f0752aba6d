"""The folders of a training: what it draws from, and what it leaves."""

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from ops.cuffless import read_records
from ops.split import Split
from ops.stretches import Stretches

CONFIG: Final = "config.json"


def stretches(data: Path, split: Split) -> Stretches:
    """Read what a split draws from.

    Raises:
        FileNotFoundError: where the folder has no Parquet file.
    """
    paths = sorted(data.glob("*.parquet"))
    if not paths:
        message = f"{data} has no Parquet file to train on"
        raise FileNotFoundError(message)
    return Stretches(read_records(paths, split))


def same_as_before(config: BaseModel, out: Path, no_say: AbstractSet[str]) -> None:
    """Refuse to go on with a training that was told otherwise; keep what this one is told.

    Fields in ``no_say`` decide nothing of what comes out.

    Raises:
        ValueError: where ``out`` holds another training.
    """
    told = config.model_dump_json(exclude=set(no_say), indent=1)
    path = out / CONFIG
    out.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_text(encoding="utf-8") != told:
        message = f"{out} holds a training of another configuration: name another folder"
        raise ValueError(message)
    path.write_text(told, encoding="utf-8")
