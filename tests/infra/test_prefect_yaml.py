import asyncio
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.events.schemas.automations import AutomationCore
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.templating import apply_values

INFRA = Path(__file__).parents[2] / "infra"
TOLD = yaml.safe_load((INFRA / "prefect.yaml").read_text(encoding="utf-8"))
AUTOMATIONS = yaml.safe_load((INFRA / "automations.yaml").read_text(encoding="utf-8"))
PLACES = {
    "PULSELAKE_SOURCE": "s3://hospital/waveforms",
    "PULSELAKE_LAKE": "s3://research/pulselake",
    "PULSELAKE_DATASET": "hospital",
}


@pytest.fixture
def deployments(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The deployments as Prefect reads them, where the places are told and nothing else is."""
    for name in ("PULSELAKE_TIMEZONE", "PULSELAKE_RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in PLACES.items():
        monkeypatch.setenv(name, value)
    return apply_values(TOLD["deployments"], {})


def flow_of(deployment: dict) -> Flow:
    module, _, name = deployment["entrypoint"].rpartition(".")
    return getattr(import_module(module), name)


def test_the_night_alone_is_scheduled_and_that_at_two(deployments) -> None:
    scheduled = {d["name"]: [s["cron"] for s in d.get("schedules", [])] for d in deployments}

    assert scheduled == {"nightly": ["0 2 * * *"], "backfill": [], "audit": [], "annotate": []}


@pytest.mark.parametrize(("told", "meant"), [("Asia/Tokyo", "Asia/Tokyo"), (None, "UTC")])
def test_two_oclock_is_that_of_the_zone_that_is_told_and_by_default_of_utc(
    deployments, monkeypatch, told, meant
) -> None:
    if told:
        monkeypatch.setenv("PULSELAKE_TIMEZONE", told)
    (nightly,) = [d for d in apply_values(TOLD["deployments"], {}) if d["name"] == "nightly"]
    (schedule,) = nightly["schedules"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    dates = asyncio.run(cron.get_dates(3, start=datetime(2026, 3, 1, tzinfo=UTC)))

    assert {date.astimezone(ZoneInfo(meant)).hour for date in dates} == {2}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_day_without_two_oclock_has_its_night_at_one(zone) -> None:
    cron = CronSchedule(cron="0 2 * * *", timezone=zone)
    march = asyncio.run(cron.get_dates(31, start=datetime(2026, 3, 1, tzinfo=ZoneInfo(zone))))

    assert sorted(date.hour for date in march) == [1] + [2] * 30


def test_every_entrypoint_is_a_flow_of_a_module(deployments) -> None:
    for deployment in deployments:
        flow = flow_of(deployment)

        assert isinstance(flow, Flow)
        assert flow.name == deployment["name"]


def test_its_parameters_are_those_of_the_command(deployments) -> None:
    for deployment in deployments:
        parameters = flow_of(deployment).validate_parameters(deployment["parameters"])

        assert parameters["config"].dataset == "hospital"
        assert parameters["config"].lake == PLACES["PULSELAKE_LAKE"]
        assert not parameters["config"].ray_address


def test_every_run_can_be_told_by_its_tag_and_heard_of(deployments) -> None:
    for deployment in deployments:
        variables = deployment["work_pool"]["job_variables"]["env"]

        assert "pulselake" in deployment["tags"]
        assert deployment["work_pool"]["name"] == "pulselake"
        assert variables["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
        assert "concurrency_limit" not in deployment  # a server that restarts would end the run


def test_a_run_counts_as_silent_after_three_heartbeats() -> None:
    automations = [AutomationCore.model_validate(one) for one in AUTOMATIONS["automations"]]
    silent, _, again = automations

    assert silent.trigger.within.total_seconds() == 3 * 30
    assert again.trigger.expect == {"prefect.flow-run.Crashed"}
    for automation in automations:
        assert automation.trigger.match_related["prefect.resource.id"] == ["prefect.tag.pulselake"]
