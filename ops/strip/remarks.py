"""What is remarked of one window: the span that shows best what is said, and a short note."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ops.strip.rhythm import Paced, Span
from schemas.annotation import PHRASES, SPAN_STEP_S, SPAN_STEPS, Shown, note_of, seconds_of
from schemas.modality import MODALITIES, Modality
from schemas.template import Evidence

WIDE_MMHG: Final = 70.0
NARROW_MMHG: Final = 25.0
"""Pulse pressures beyond which a note says so."""

ALIKE: Final = 0.1
"""Rates that differ by more than this share disagree."""

_PHRASE: Final = {" ".join(words): i for i, words in enumerate(PHRASES)}
_NOISES: Final = frozenset({"wander", "movement", "noise"})
_STEADY: Final = frozenset({"regular", "bradycardia", "tachycardia"})


@dataclass(frozen=True)
class Window:
    """What is said of one window, and what it is said by.

    Attributes:
        rhythm: as said.
        rate: beats/min as said; None where unknown.
        told: what its beats tell.
        quality: a modality.
        artefact: a modality.
        span_s: a modality, seconds between which the artefact lies, NaN where that is not known.
        rates: of the modalities, in beats/min, NaN where unknown.
        pulse: pulse pressure in mmHg where it was measured, else NaN.
    """

    rhythm: str
    rate: int | None
    told: Paced
    quality: dict[Modality, str]
    artefact: dict[Modality, str]
    span_s: dict[Modality, Span]
    rates: tuple[float, ...]
    pulse: float

    @property
    def there(self) -> list[Modality]:
        """Modalities that are not absent."""
        return [m for m in MODALITIES if self.quality[m] != "absent"]


def evidence_of(window: Window) -> Evidence:
    """Show the first early beat, else a pause, else the worst artefact, else the whole.

    Beats are shown in a signal that is good or fair.
    """
    there, told = window.there, window.told
    fit = [m for m in there if window.quality[m] in ("good", "fair")]
    if not there:
        return Evidence()
    if fit and told.early and window.rhythm == "ectopy":
        return _shown(fit[0], told.early[0])
    if fit and told.pause:
        return _shown(fit[0], told.pause)
    for wanted in ("bad", "fair", "good"):
        for m in there:
            span = window.span_s[m]
            wrong = window.quality[m] == wanted and window.artefact[m] != "none"
            if wrong and np.isfinite(span).all():
                return _shown(m, span)
    return _shown((fit or there)[0], (0.0, SPAN_STEPS * SPAN_STEP_S))


def remarks_of(window: Window) -> str:
    """Say the first phrases of those that hold."""
    holds = _of_beats(window) | _of_the_line(window) | _of_signals(window)
    return note_of([_PHRASE[phrase] for phrase, held in holds.items() if held])


def _shown(signal: Shown, span: Span) -> Evidence:
    first = min(max(int(np.floor(span[0] / SPAN_STEP_S + 0.5)), 0), SPAN_STEPS - 1)
    last = min(max(int(np.ceil(span[1] / SPAN_STEP_S - 0.5)), first + 1), SPAN_STEPS)
    return Evidence(signal=signal, from_s=seconds_of(first), to_s=seconds_of(last))


def _of_beats(window: Window) -> dict[str, bool]:
    told, qualities = window.told, window.quality.values()
    paused, disagree = told.pause is not None, _disagree(window.rates)
    ectopy = window.rhythm == "ectopy"
    return {
        "nothing to read": window.rate is None and set(qualities) <= {"bad", "absent"},
        "clean strip": _clean(window) and not paused and not disagree,
        "early beat": ectopy and len(told.early) == 1,
        "early beats": ectopy and len(told.early) > 1,
        "long pause": paused,
        "rates disagree": disagree,
    }


def _of_the_line(window: Window) -> dict[str, bool]:
    return {
        "no arterial line": window.quality["abp"] == "absent",
        "arterial line damped": window.artefact["abp"] == "damped",
        "arterial line flushed": window.artefact["abp"] == "flush",
        "wide pulse pressure": window.pulse > WIDE_MMHG,
        "narrow pulse pressure": window.pulse < NARROW_MMHG,
    }


def _of_signals(window: Window) -> dict[str, bool]:
    held: dict[str, bool] = {}
    for m in MODALITIES:
        quality, artefact = window.quality[m], window.artefact[m]
        held[f"{m} lost in part"] = artefact == "gap"
        held[f"{m} buried in noise"] = quality == "bad" and artefact in _NOISES
        if m != "abp":
            held[f"{m} not there"] = quality == "absent"
    return held


def _clean(window: Window) -> bool:
    there = window.there
    good = all(window.quality[m] == "good" and window.artefact[m] == "none" for m in there)
    return bool(there) and good and window.rhythm in _STEADY


def _disagree(rates: tuple[float, ...]) -> bool:
    known = [rate for rate in rates if np.isfinite(rate)]
    return len(known) > 1 and max(known) > (1 + ALIKE) * min(known)
