"""What the Prefect server does of itself: ``infra/automations.yaml``, told once.

Run as ``python -m flows.automations infra/automations.yaml``. ``prefect automation create`` makes
them again each time, since names are not unique there.
"""

import sys
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore


def tell_automations(client: SyncPrefectClient, wanted: list[AutomationCore]) -> dict[str, str]:
    """Make automations that are not there, and change those that are otherwise; say which.

    One that somebody has paused stays paused.
    """
    return {one.name: done for one in wanted if (done := _tell(client, one))}


def main(arguments: list[str]) -> None:
    """Tell the server what the file says that is named; one line for each that was not there so."""
    told = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))["automations"]
    wanted = [AutomationCore.model_validate(one) for one in told]
    with get_client(sync_client=True) as client:
        for name, done in tell_automations(client, wanted).items():
            sys.stdout.write(f"automation {name}: {done}\n")


def _tell(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    """Give what was done: ``made``, ``changed``, or nothing."""
    there = client.read_automations_by_name(wanted.name)
    if not there:
        client.create_automation(wanted)
        return "made"
    changed = ""
    for one in there:
        meant = wanted.model_copy(update={"enabled": one.enabled})
        if _said(one) != _said(meant):
            client.update_automation(one.id, meant)
            changed = "changed"
    return changed


def _said(automation: AutomationCore) -> dict[str, object]:
    """Give what an automation says, without what only the server knows of it."""
    return AutomationCore.model_validate(automation.model_dump()).model_dump()


if __name__ == "__main__":
    main(sys.argv[1:])
