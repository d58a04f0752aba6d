"""How figures, times and the lake's own words are said on the page."""

import math
import unicodedata
from datetime import datetime
from typing import Final

from ops.percent import percent

NONE: Final = "\N{EN DASH}"
"""Stands where there is no figure."""

TOO_FEW: Final = "too few subjects"
"""Stands where so few tell a figure that there is no interval around it."""

NARROW: Final = "\u202f"
"""A narrow space that no line breaks at: between digits in threes, and before a unit."""

MODALITIES_TOLD: Final = {"ecg": "ECG", "ppg": "PPG", "abp": "ABP"}

CALIBRATIONS_SHORT: Final = {"none": "no reading", "all": "all"}
"""For the edge of a chart; the others are short enough."""

TASKS_TOLD: Final = {
    "translate": "made from other signals",
    "impute": "gaps filled",
    "denoise": "noise taken out",
}

CALIBRATIONS_TOLD: Final = {
    "cuff": "by a cuff",
    "line": "by a line",
    "none": "by no reading",
    "all": "all together",
}

ABSTENTIONS_TOLD: Final = {
    "not_made_for": "the model was not made for this task",
    "conditions": "the signals that it would go by are too poor",
    "range": "out of the range that the model was trained on",
    "reference_age": "the cuff or line reading is too old",
    "silent": "the model had nothing to say",
    "still_bad": "what was made would be graded bad again",
}


def count(n: float) -> str:
    """Write a whole number, its digits in threes."""
    return f"{n:,.0f}".replace(",", NARROW)


def counted(n: int, what: str) -> str:
    """Write how many of something there are, one in the singular."""
    return f"{count(n)} {what if n == 1 else what + 's'}"


def share(part: float, of: float) -> str:
    """Write a part in percent; what is neither nothing nor all never looks so."""
    if not of:
        return NONE
    return f"{percent(part, of)}{NARROW}%"


def figure(x: float | None, digits: int = 1) -> str:
    """Write a measured figure with a true minus; a dash where there is none."""
    if x is None or not math.isfinite(x):
        return NONE
    text = f"{x:.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def ranged(mean: float | None, low: float | None, high: float | None) -> str:
    """Write a mean over subjects with its 95 % interval, which too few have not."""
    if mean is None:
        return NONE
    return f"{figure(mean)} ({TOO_FEW if low is None else between(low, high)})"


def between(low: float | None, high: float | None, digits: int = 1) -> str:
    """Write an interval."""
    return f"{figure(low, digits)} to {figure(high, digits)}"


def duration(seconds: float) -> str:
    """Write how long something took, in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f}{NARROW}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NARROW}min {rest}{NARROW}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NARROW}h {minutes}{NARROW}min"


def age(seconds: float) -> str:
    """Write how old a reading was; a negative age came later."""
    when = "after" if seconds < 0 else "before"
    minutes = abs(seconds) / 60
    if minutes < 1:
        return f"less than 1{NARROW}min {when}"
    if minutes < 90:
        return f"{minutes:.0f}{NARROW}min {when}"
    return f"{minutes / 60:.1f}{NARROW}h {when}"


def moment(at: datetime) -> str:
    """Write a time in UTC as the page tells it."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def plain(text: object) -> str:
    """Make text of an archive fit for a page: a control character is shown and does nothing."""
    return "".join(_shown(c) for c in str(text))


def _shown(character: str) -> str:
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character)[0] == "C" else character
