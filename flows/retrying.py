"""How tasks are tried again: after a while, and only where that could help."""

from typing import Any, Final

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import exponential_backoff

from ops.room import NoRoomError
from ops.unserved import SourceDownError

_FINAL: Final = (FileNotFoundError, PermissionError, NoRoomError, SourceDownError, ValueError)


def _may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """A source that is not there, or an option that is wrong, is so the next time too."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, _FINAL)


RETRIED: Final[dict[str, Any]] = {
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(2),
    "retry_condition_fn": _may_pass,
    "cache_policy": NO_CACHE,
}
