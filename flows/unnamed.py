"""How a de-identified night fails: by a sentence that names nothing of the source."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flows.config import IngestConfig
from flows.naming import Naming
from ops.room import NoRoomError
from ops.unserved import SourceDownError

P = ParamSpec("P")
R = TypeVar("R")

_KINDS: Final = (
    FileNotFoundError,
    PermissionError,
    NoRoomError,
    SourceDownError,
    OSError,
    ValueError,
)
"""What callers and retries tell apart."""


def without_names(work: Callable[P, R]) -> Callable[P, R]:
    """Let a function that takes an ``IngestConfig`` fail without a name where names are hidden.

    The error is another one, of the kind that callers tell apart, and keeps nothing of the first:
    Prefect and a terminal show whole chains.
    """

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except Exception as error:
            given = (*args, *kwargs.values())
            config = next((one for one in given if isinstance(one, IngestConfig)), None)
            if config is None or not config.deidentify:
                raise
            hidden = unnamed(error, config)
        raise hidden

    return told


def unnamed(error: Exception, config: IngestConfig) -> Exception:
    """Say an error in words that name nobody, and in those that the operator gave."""
    kind = next((kind for kind in _KINDS if isinstance(error, kind)), RuntimeError)
    said = (
        config.source,
        config.lake,
        config.dataset,
        config.subjects,
        config.scratch,
        config.ray_address,
    )
    naming = Naming(config.deidentifier())
    sentence = naming.sentence(str(error), [word for word in said if word])
    return kind(sentence if kind is not RuntimeError else f"{type(error).__name__}: {sentence}")
