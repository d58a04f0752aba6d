from importlib import import_module
from pathlib import Path

import yaml
from prefect import Flow

from flows.config import NightlyConfig

DEPLOYMENTS = yaml.safe_load(
    (Path(__file__).parents[2] / "infra" / "prefect.yaml").read_text(encoding="utf-8")
)["deployments"]


def test_the_night_is_scheduled_at_two() -> None:
    (nightly,) = [d for d in DEPLOYMENTS if d["name"] == "nightly"]

    assert [schedule["cron"] for schedule in nightly["schedules"]] == ["0 2 * * *"]


def test_every_entrypoint_is_a_flow_of_a_module() -> None:
    for deployment in DEPLOYMENTS:
        module, _, name = deployment["entrypoint"].rpartition(".")

        assert isinstance(getattr(import_module(module), name), Flow)


def test_its_parameters_are_those_of_the_command() -> None:
    for deployment in DEPLOYMENTS:
        config = NightlyConfig(**deployment["parameters"]["config"])

        assert config.dataset == "hospital"
