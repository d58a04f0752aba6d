"""The deployments of ``infra/prefect.yaml``, with the options that a site gives each flow.

Run as ``python -m flows.deployments infra/prefect.yaml``, which prints the file with them in it.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from flows.annotate_config import AnnotateConfig
from flows.config import AuditConfig, BackfillConfig, LakeConfig, NightlyConfig

FLOWS: Final[dict[str, tuple[str, type[LakeConfig]]]] = {
    "nightly": ("PULSELAKE_NIGHT", NightlyConfig),
    "backfill": ("PULSELAKE_BACKFILL", BackfillConfig),
    "audit": ("PULSELAKE_AUDIT", AuditConfig),
    "annotate": ("PULSELAKE_ANNOTATE", AnnotateConfig),
}
"""Deployments by name: the variable with their options, one JSON object, and what those may be."""

_MEANS_ANOTHER: Final = {"annotate": {"checkpoint", "steps"}}
"""Options that a flow has by a name that the night has for something else."""


def options_of(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Give a deployment's options: those of the night that are also its own, under those it has.

    So a backfill by hand fills by the model of the night, and not by another, whose rows the next
    night would make anew.

    Raises:
        ValueError: naming the variable that is no object, or the option that the flow has not.
    """
    own = FLOWS[name][1].model_fields.keys() - _MEANS_ANOTHER.get(name, set())
    night = _told("nightly", environment)
    return {k: v for k, v in night.items() if k in own} | _told(name, environment)


def with_options(told: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Put a site's options into deployments of these names; what else is told stays.

    Raises:
        ValueError: see ``options_of``.
    """

    def of_site(deployment: dict[str, Any]) -> dict[str, Any]:
        if deployment["name"] not in FLOWS:
            return deployment
        parameters = deployment["parameters"]
        config = parameters["config"] | options_of(deployment["name"], environment)
        return {**deployment, "parameters": {**parameters, "config": config}}

    return {**told, "deployments": [of_site(one) for one in told["deployments"]]}


def main(arguments: list[str]) -> None:
    """Print the file that is named, with the options of the environment.

    Raises:
        SystemExit: saying which variable is wrong.
    """
    told = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        sys.stdout.write(yaml.safe_dump(with_options(told, os.environ), sort_keys=False))
    except ValueError as error:
        sys.exit(str(error))


def _told(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    variable, config = FLOWS[name]
    try:
        options = json.loads(environment.get(variable) or "{}")
    except json.JSONDecodeError as error:
        message = f"{variable} must be one JSON object: {error}"
        raise ValueError(message) from error
    if not isinstance(options, dict):
        message = f"{variable} must be one JSON object, got {type(options).__name__}"
        raise ValueError(message)  # noqa: TRY004
    known = config.model_json_schema()["properties"]
    if unknown := sorted(options.keys() - known.keys()):
        message = f"{variable} must have options of {name} alone, got {', '.join(unknown)}"
        raise ValueError(message)
    return options


if __name__ == "__main__":
    main(sys.argv[1:])
