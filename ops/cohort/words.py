"""How the methods paragraph says counts and shares."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from ops.percent import percent

BY: Final = {
    "cuff": "by a cuff reading",
    "line": "by an arterial line elsewhere in the record",
    "none": "by nothing",
    "restored": "by the window's own line, whose gaps or noise were restored",
}
"""What a pressure was calibrated by."""


def counted(n: int, what: str) -> str:
    """Say how many of something there are, one in the singular."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def share(part: float, whole: float) -> str:
    """Say a part in percent; what is neither nothing nor all never looks so."""
    return f"{percent(part, whole, digits=1)} %"


def within(seconds: float) -> str:
    """Say a time by the whole minutes that it is within."""
    return f"at most {ceil(seconds / 60)} min" if seconds >= 60 else "less than 1 min"


def listed(parts: Sequence[str]) -> str:
    """Say one after the other."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
