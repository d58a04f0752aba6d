"""Whose turn it is on a lake, by the runs that a server holds."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.states import Completed, Running

from flows import turn
from flows.turn import MOST_STARTS, await_turn


@flow(name="takes its turn")
def takes_its_turn(config: dict[str, str]) -> str:
    await_turn(config["lake"], look_every_s=0.05, most_wait_s=0.3)
    return "it worked"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "SETTLED_S", 0.0)


@pytest.fixture
def lake() -> str:
    return f"s3://research/{uuid4().hex}"


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployment(client: SyncPrefectClient) -> UUID:
    return client.create_deployment(client.create_flow(takes_its_turn), "here")


@pytest.fixture
def at_work(client: SyncPrefectClient, deployment: UUID, lake: str) -> FlowRun:
    """A run that the server holds to be running on the lake."""
    run = deployed_run(client, deployment, lake)
    client.set_flow_run_state(run.id, Running(), force=True)
    return run


def deployed_run(client: SyncPrefectClient, deployment: UUID, lake: str) -> FlowRun:
    return client.create_flow_run_from_deployment(deployment, parameters={"config": {"lake": lake}})


def carry_out(run: FlowRun) -> object:
    return run_flow(takes_its_turn, flow_run=run, parameters=run.parameters)


def test_a_later_run_waits_and_says_at_last_who_keeps_it(client, deployment, lake, at_work) -> None:
    run = deployed_run(client, deployment, f"{lake}/")

    with pytest.raises(RuntimeError, match=f"{lake}/ has been at work by run {at_work.name} for"):
        carry_out(run)


def test_a_run_on_another_lake_waits_for_none(client, deployment, lake, at_work) -> None:
    assert carry_out(deployed_run(client, deployment, "s3://research/other")) == "it worked"


def test_a_run_goes_once_the_earlier_one_has_ended(client, deployment, lake, at_work) -> None:
    client.set_flow_run_state(at_work.id, Completed(), force=True)

    assert carry_out(deployed_run(client, deployment, lake)) == "it worked"


def test_a_run_that_is_started_again_goes_to_the_end_of_the_queue(
    client, deployment, lake, at_work
) -> None:
    run = deployed_run(client, deployment, lake)
    client.set_flow_run_state(run.id, Running(), force=True)
    client.set_flow_run_state(at_work.id, Running(), force=True)

    me, other = client.read_flow_run(run.id), client.read_flow_run(at_work.id)
    assert turn._since(me) < turn._since(other)


def test_a_run_from_the_command_line_waits_for_none(lake, at_work) -> None:
    assert takes_its_turn({"lake": lake}) == "it worked"


def test_a_run_that_never_comes_to_its_end_is_given_up(client, deployment) -> None:
    run = deployed_run(client, deployment, "s3://research/third")
    for _ in range(MOST_STARTS):
        client.set_flow_run_state(run.id, Running(), force=True)

    with pytest.raises(RuntimeError, match=f"run {run.name} was started 6 times and never came"):
        carry_out(client.read_flow_run(run.id))
