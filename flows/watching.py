"""How a run is watched: what the process is told by options or by its environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VARIABLES: Final = {
    "log_json": "PULSELAKE_LOG_JSON",
    "metrics_file": "PULSELAKE_METRICS_FILE",
    "metrics_folder": "PULSELAKE_METRICS_FOLDER",
    "metrics_port": "PULSELAKE_METRICS_PORT",
}


class Watching(BaseModel):
    """What a process tells of its run; no result depends on it, so it is no option of a flow."""

    model_config = ConfigDict(frozen=True)

    log_json: bool = Field(
        False,
        description="Log one JSON object a line on standard error, of each record and shard too.",
    )
    metrics_file: Path | None = Field(
        None,
        description="File to keep Prometheus metrics in, for node_exporter: its folder is there, "
        "its name ends in .prom.",
    )
    metrics_folder: Path | None = Field(
        None,
        description="Folder to keep Prometheus metrics in, a file for each lake, flow and dataset: "
        "a worker's, which serves them (flows.exporter).",
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port to serve Prometheus metrics on while it runs."
    )


def watching() -> Watching:
    """Read it from the environment.

    Raises:
        ValueError: naming the variable that is wrong.
    """
    said = {name: os.environ.get(variable) for name, variable in VARIABLES.items()}
    try:
        return Watching.model_validate({name: text for name, text in said.items() if text})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        message = f"{VARIABLES[name]} is {said[name]!r}: {first['msg']}"
        raise ValueError(message) from error


@contextmanager
def watched_by(given: dict[str, object]) -> Iterator[None]:
    """Put what the command line says into the environment, for the length of the block."""
    before = {name: os.environ.get(VARIABLES[name]) for name in given}
    for name, value in given.items():
        if value is not None:
            os.environ[VARIABLES[name]] = str(value)
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(VARIABLES[name], None)
            else:
                os.environ[VARIABLES[name]] = text
