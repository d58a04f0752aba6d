"""What a checkpoint's card says of its training."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, JsonValue

from ops.cuffless import ATTRIBUTION, LICENCE, groups_of
from ops.judge.parquet import parquet_files
from ops.split import SPLITS


def told_of_training(data: Path, command: str) -> dict[str, JsonValue]:
    """Say what was trained on, and how that can be done again."""
    return {
        "data": data.name,
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
        "groups": {split: list(groups_of(parquet_files([data]), split)) for split in SPLITS},
        "command": command,
        "commit": _commit(),
        "torch": version("torch"),
    }


def command_of_training(command: str, config: BaseModel, *, data: Path) -> str:
    """Give the command that trains this again; where files lie has no say, their names have."""
    said = config.model_dump(exclude={"data", "out"}, exclude_defaults=True)
    said = {name: value.name if isinstance(value, Path) else value for name, value in said.items()}
    options = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        for name, value in said.items()
    ]
    return " ".join([f"pulselake {command} --data {data.name} --out OUT", *options])


def _commit() -> str:
    """Name the commit of the code, where it is run from a checkout."""
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "not stated"
