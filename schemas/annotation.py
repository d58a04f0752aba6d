"""The words of an annotation: what each slot may say, and which of them go together."""

from typing import Final, Literal, get_args

from schemas.modality import MODALITIES

Unknown = Literal["unknown"]
UNKNOWN: Final[Unknown] = "unknown"

Rhythm = Literal[
    "regular",
    "bradycardia",
    "tachycardia",
    "irregular",
    "ectopy",
    "atrial_fibrillation",
    "atrial_flutter",
    "unknown",
]
Quality = Literal["good", "fair", "bad", "absent", "unknown"]
Artefact = Literal[
    "none",
    "gap",
    "wander",
    "movement",
    "noise",
    "flat",
    "saturated",
    "spikes",
    "damped",
    "flush",
    "unknown",
]
Band = Literal["low", "normal", "high", "unknown"]
Source = Literal["measured", "imputed", "none"]
Shown = Literal["ecg", "ppg", "abp", "unknown"]

RHYTHMS: Final[tuple[Rhythm, ...]] = get_args(Rhythm)
QUALITIES: Final[tuple[Quality, ...]] = get_args(Quality)
ARTEFACTS: Final[tuple[Artefact, ...]] = get_args(Artefact)
BANDS: Final[tuple[Band, ...]] = get_args(Band)
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
SHOWN: Final[tuple[Shown, ...]] = get_args(Shown)

OF_A_LINE: Final[frozenset[Artefact]] = frozenset({"damped", "flush"})
"""Artefacts that an arterial line alone has."""

RATES: Final = (20, 300)
"""Lowest and highest heart rate that is told, in beats/min."""

REGULAR: Final = (60, 100)
"""Heart rates of a regular rhythm that is neither bradycardia nor tachycardia, in beats/min."""

SPAN_STEP_S: Final = 0.2
SPAN_STEPS: Final = 20
"""Evidence is told in steps of 0.2 s from the window's start to its end."""

LOW_MMHG: Final = {"sbp": 90.0, "map": 65.0}
HIGH_MMHG: Final = {"sbp": 140.0, "dbp": 90.0}
"""A pressure is low below either of the first, high at or above either of the second."""

PHRASES: Final[tuple[tuple[str, ...], ...]] = (
    ("nothing", "to", "read"),
    ("clean", "strip"),
    ("early", "beat"),
    ("early", "beats"),
    ("long", "pause"),
    ("rates", "disagree"),
    ("no", "arterial", "line"),
    ("arterial", "line", "damped"),
    ("arterial", "line", "flushed"),
    ("wide", "pulse", "pressure"),
    ("narrow", "pulse", "pressure"),
    *((m, "lost", "in", "part") for m in MODALITIES),
    *((m, "buried", "in", "noise") for m in MODALITIES),
    *((m, "not", "there") for m in ("ecg", "ppg")),
)
"""What a note is made of, in the order in which one says it."""

MOST_PHRASES: Final = 2
AND: Final = "and"
NOTE_WORDS: Final = MOST_PHRASES * max(map(len, PHRASES)) + MOST_PHRASES - 1
"""Words of a note at most."""


def goes(quality: str, artefact: str) -> bool:
    """Say whether a signal of that quality can have that artefact."""
    return quality != "absent" or artefact in ("none", UNKNOWN)


def rate_fits(rhythm: str, rate: int) -> bool:
    """Say whether a rhythm can have that heart rate."""
    low, high = REGULAR
    fits = {"bradycardia": rate < low, "tachycardia": rate > high, "regular": low <= rate <= high}
    return fits.get(rhythm, True)


def source_fits(abp: str, source: str) -> bool:
    """Say whether a pressure can come from there; of a good line it is never imputed."""
    if source == "measured":
        return abp in ("good", "fair", UNKNOWN)
    return source == "none" or abp != "good"


def step_of(seconds: float) -> int:
    """Give the step of the evidence's grid that a time lies nearest to."""
    return round(seconds / SPAN_STEP_S)


def seconds_of(step: int) -> float:
    """Give the time of a step."""
    return round(step * SPAN_STEP_S, 1)


def phrases_of(note: str) -> list[int]:
    """Give the numbers of a note's phrases; none where it is unknown.

    Raises:
        ValueError: where it is made of anything else, or not in their order.
    """
    if note == UNKNOWN:
        return []
    known = {" ".join(words): i for i, words in enumerate(PHRASES)}
    found = [known.get(part, -1) for part in note.split(f" {AND} ")]
    if -1 in found or len(found) > MOST_PHRASES or found != sorted(set(found)):
        message = (
            f"a note is at most {MOST_PHRASES} known phrases in their order, got {note[:80]!r}"
        )
        raise ValueError(message)
    return found


def note_of(phrases: list[int]) -> str:
    """Say the first phrases of those given by number; unknown where there is none."""
    first = sorted(set(phrases))[:MOST_PHRASES]
    return f" {AND} ".join(" ".join(PHRASES[i]) for i in first) or UNKNOWN


def band_of(sbp: float, dbp: float, mean: float) -> Band:
    """Give the band of a pressure in mmHg; NaN is unknown."""
    if sbp != sbp or dbp != dbp or mean != mean:
        return UNKNOWN
    if sbp < LOW_MMHG["sbp"] or mean < LOW_MMHG["map"]:
        return "low"
    return "high" if sbp >= HIGH_MMHG["sbp"] or dbp >= HIGH_MMHG["dbp"] else "normal"
