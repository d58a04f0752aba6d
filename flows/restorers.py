"""Which restorers there are, by the name that a run asks for."""

from collections.abc import Callable
from typing import Final

from ops.restore import ClassicalRestorer
from schemas.restoration import Restorer

_RESTORERS: Final[dict[str, Callable[[], Restorer]]] = {"classical": ClassicalRestorer}


def make_restorer(name: str) -> Restorer:
    """Make a restorer where it is to run.

    Raises:
        ValueError: where there is none of that name.
    """
    if name not in _RESTORERS:
        message = f"restorer must be one of {', '.join(sorted(_RESTORERS))}, got {name!r}"
        raise ValueError(message)
    return _RESTORERS[name]()
