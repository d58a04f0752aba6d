"""One thing that could not be used, on its way to ``quarantine``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What failed: ``path`` is below the source, ``step`` one of ``schemas.quarantine.STEPS``.

    ``error`` is the name of the error's class and ``reason`` one plain sentence that names the
    thing.
    """

    path: str
    step: str
    error: str
    reason: str
