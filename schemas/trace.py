"""What is counted before anything is said: beats, the intervals between them, and the noise."""

from dataclasses import dataclass
from typing import Final

from schemas.annotation import Quality
from schemas.grid import WINDOW_S
from schemas.modality import Modality

INTERVAL_STEP_S: Final = 0.04
"""Intervals are told in the small squares of a strip."""

INTERVAL_STEPS: Final = round(WINDOW_S / INTERVAL_STEP_S)
MOST_INTERVALS: Final = 8
"""Of a window, the first are told."""

MOST_BEATS: Final = 20


@dataclass(frozen=True)
class Trace:
    """Of one window.

    Attributes:
        beats: how many were found.
        intervals_s: seconds from beat to beat, the first of them.
        quality: of each signal as it looks.
    """

    beats: int
    intervals_s: tuple[float, ...]
    quality: dict[Modality, Quality]
