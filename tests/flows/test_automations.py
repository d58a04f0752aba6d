"""What the server is told to do of itself, once and again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore

import infra
from flows.automations import main, tell_automations

FILE = Path(infra.__file__).parent / "automations.yaml"
NAMES = ["pulselake-silent", "pulselake-never-began", "pulselake-again"]


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    """A client of a server that has no automation, nor has any when it leaves."""
    with get_client(sync_client=True) as client:
        yield client
        for automation in client.read_automations():
            client.delete_automation(automation.id)


@pytest.fixture
def wanted() -> list[AutomationCore]:
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))["automations"]
    return [AutomationCore.model_validate(one) for one in told]


def test_automations_are_made_once(client, wanted) -> None:
    first, again = (tell_automations(client, wanted) for _ in range(2))

    assert first == dict.fromkeys(NAMES, "made")
    assert again == {}
    assert sorted(one.name for one in client.read_automations()) == sorted(NAMES)


def test_one_that_is_missing_is_made_and_the_others_stay(client, wanted) -> None:
    tell_automations(client, wanted[:2])

    assert tell_automations(client, wanted) == {"pulselake-again": "made"}


def test_one_that_has_changed_is_changed_and_a_paused_one_stays_paused(client, wanted) -> None:
    tell_automations(client, wanted)
    (before,) = client.read_automations_by_name("pulselake-silent")
    client.pause_automation(before.id)
    wanted[0].trigger.within = timedelta(seconds=120)
    done = tell_automations(client, wanted)
    (after,) = client.read_automations_by_name("pulselake-silent")

    assert done == {"pulselake-silent": "changed"}
    assert (after.id, after.trigger.within, after.enabled) == (
        before.id,
        timedelta(seconds=120),
        False,
    )
    assert tell_automations(client, wanted) == {}


def test_the_command_says_what_it_has_done_and_nothing_of_what_was_so(client, capsys) -> None:
    main([str(FILE)])
    first = capsys.readouterr().out
    main([str(FILE)])

    assert first.splitlines() == [f"automation {name}: made" for name in NAMES]
    assert capsys.readouterr().out == ""
