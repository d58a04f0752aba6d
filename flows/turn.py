"""One run at a time on a lake: of runs that Prefect has deployed, a later one waits its turn."""

import time
from typing import Any, Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from ops.lake import Lake

MOST_STARTS: Final = 5
MOST_WAIT_S: Final = 24 * 3600.0
SETTLED_S: Final = 2.0
"""Seconds after which the server tells of a run that has started at the same time."""

_RUNNING: Final = FlowRunFilter(
    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
    deployment_id=FlowRunFilterDeploymentId(is_null_=False),
)


def await_turn(lake: str, *, look_every_s: float = 10.0, most_wait_s: float = MOST_WAIT_S) -> None:
    """Wait until no run that began earlier is at work on a lake.

    A run from the command line waits for none, and none waits for it: both would end with the same
    rows. It goes by the runs that the server holds to be running, so a dead one is waited for
    until its state says so.

    Raises:
        RuntimeError: where the other one goes on for too long, or where this one was started too
            often and never ended.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.deployment_id is None:
        return
    logger, waited_for, began = get_run_logger(), "", time.monotonic()
    with get_client(sync_client=True) as client:
        me = client.read_flow_run(context.flow_run.id)
        _see_starts(me)
        time.sleep(SETTLED_S)
        while (earlier := _earlier(client, me, lake)) is not None:
            if time.monotonic() - began > most_wait_s:
                raise RuntimeError(_too_long(earlier, lake, most_wait_s))
            if earlier.name != waited_for:
                logger.info("Lake %s is at work by run %s: this run waits", lake, earlier.name)
            waited_for = earlier.name
            time.sleep(look_every_s)


def _see_starts(me: FlowRun) -> None:
    if me.run_count > MOST_STARTS:
        message = (
            f"run {me.name} was started {me.run_count} times and never came to its end: see what "
            "ends its process (memory, most often), then run it by hand"
        )
        raise RuntimeError(message)


def _earlier(client: SyncPrefectClient, me: FlowRun, lake: str) -> FlowRun | None:
    """Give the run that has been at work on a lake for longest; null where that is this one."""
    others = [run for run in client.read_flow_runs(flow_run_filter=_RUNNING) if run.id != me.id]
    on_lake = [run for run in others if _lake_of(run) == Lake(lake).url]
    before = [run for run in on_lake if _since(run) < _since(me)]
    return min(before, key=_since, default=None)


def _since(run: FlowRun) -> tuple[Any, ...]:
    """Order runs by when they were last started; a run that is tried again goes to the end."""
    return (run.state.timestamp if run.state else run.start_time, str(run.id))


def _lake_of(run: FlowRun) -> str | None:
    """Give the lake of a run's options; null where it is another flow, which has none."""
    config = run.parameters.get("config")
    told = config.get("lake") if isinstance(config, dict) else None
    try:
        return Lake(str(told)).url if told else None
    except ValueError:
        return None


def _too_long(earlier: FlowRun, lake: str, most_wait_s: float) -> str:
    return (
        f"lake {lake} has been at work by run {earlier.name} for {most_wait_s / 3600:g} h of "
        "waiting: if its process is gone, set that run's state to Crashed, then run this one again"
    )
