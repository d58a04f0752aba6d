"""The words of annotations, each a token."""

from typing import Final

from schemas.annotation import (
    AND,
    ARTEFACTS,
    BANDS,
    PHRASES,
    QUALITIES,
    RHYTHMS,
    SHOWN,
    SOURCES,
    SPAN_STEPS,
)
from schemas.modality import UNCALIBRATED, UNITS
from schemas.trace import INTERVAL_STEPS, MOST_BEATS

END: Final = "[END]"
"""Ends an answer and fills it up; attended to, as in the release."""

MASK: Final = "[MASK]"
"""What is not filled yet; never said."""

SHORTER: Final = "[S]"
"""A slot that a span has no word for."""

FILLED: Final = "[FIM]"
"""Ends a span that may be shorter than its slots; never masked."""

ANNOTATE: Final = "annotate"
DIGITS: Final = tuple("0123456789")
STEPS: Final = tuple(f"@{i}" for i in range(SPAN_STEPS + 1))
"""Steps of the evidence's grid."""

BECAUSE: Final = "because"
INTERVALS: Final = "intervals"
NOISE: Final = "looks"
BEATS: Final = tuple(f"#{n}" for n in range(MOST_BEATS + 1))
"""How many beats a trace counts."""

SPACES: Final = tuple(f"~{i}" for i in range(INTERVAL_STEPS + 1))
"""Intervals of a trace, in small squares."""

KEYS: Final = ("rhythm", "heart_rate", "ecg", "ppg", "abp", "pressure", "evidence", "note")

_OTHERS: Final = (
    *RHYTHMS,
    *QUALITIES,
    *ARTEFACTS,
    *BANDS,
    *SOURCES,
    *SHOWN,
    *(word for phrase in PHRASES for word in phrase),
    AND,
    UNITS["abp"],
    UNCALIBRATED,
)
_TRACE: Final = (BECAUSE, INTERVALS, NOISE, *BEATS, *SPACES)
WORDS: Final = tuple(
    dict.fromkeys((END, MASK, SHORTER, FILLED, ANNOTATE, *DIGITS, *STEPS, *KEYS, *_OTHERS, *_TRACE))
)
"""By token."""

TOKEN: Final = {word: token for token, word in enumerate(WORDS)}
"""By word."""


def tokens_of(words: tuple[str, ...]) -> list[int]:
    """Give the token of each word."""
    return [TOKEN[word] for word in words]
