"""How right annotations are, slot by slot, and whether they are of one mind.

A heart rate is right within 5 beats/min; evidence where it is of the same signal and overlaps by
half of what the two span together; any other slot where it says the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from schemas.annotation import PHRASES, UNKNOWN, goes, phrases_of, rate_fits, source_fits
from schemas.annotator import SLOTS
from schemas.modality import MODALITIES
from schemas.template import Annotation

NEAR: Final = 5
"""Beats a minute."""

OVERLAP: Final = 0.5
"""Of what two spans cover together."""

WORDED: Final = tuple(slot for slot in SLOTS if slot not in ("heart_rate", "evidence", "note"))
"""Slots that say one of a few words, of which F1 can be told."""

Said = Mapping[str, Any]
"""What is said in each of ``SLOTS``: a word, a rate or ``unknown``, a span (signal, from, to)."""

_NOISES: Final = frozenset({"wander", "movement", "noise", UNKNOWN})
_CLEAN: Final = frozenset({"regular", "bradycardia", "tachycardia", UNKNOWN})


def said_of(annotation: Annotation) -> Said:
    """Give what an annotation says in each slot."""
    evidence = annotation.evidence
    return {
        "rhythm": annotation.rhythm,
        "heart_rate": annotation.heart_rate,
        **{f"{m}_quality": annotation.signal(m).quality for m in MODALITIES},
        **{f"{m}_artefact": annotation.signal(m).artefact for m in MODALITIES},
        "pressure_band": annotation.pressure.band,
        "pressure_source": annotation.pressure.source,
        "evidence": (evidence.signal, evidence.from_s, evidence.to_s),
        "note": annotation.note,
    }


def accuracy(truth: Sequence[Said], said: Sequence[Said]) -> dict[str, float]:
    """Give the share of windows in which each slot is right; NaN of no window."""
    if not truth and not said:
        return dict.fromkeys(SLOTS, float("nan"))
    right: dict[str, Callable[[Any, Any], bool]] = {"heart_rate": _near, "evidence": _overlap}
    return {
        slot: float(
            np.mean(
                [right.get(slot, _same)(t[slot], s[slot]) for t, s in zip(truth, said, strict=True)]
            )
        )
        for slot in SLOTS
    }


def macro_f1(truth: Sequence[Said], said: Sequence[Said]) -> dict[str, float]:
    """Give of each worded slot the mean F1 over the words that are true somewhere; NaN of none.

    A word that is never true has no F1; saying it costs those that were to be said.
    """
    return {slot: f1_of_words([t[slot] for t in truth], [s[slot] for s in said]) for slot in WORDED}


def consistent(said: Said) -> bool:
    """Say whether no slot of an annotation speaks against another."""
    return not broken(said)


def broken(said: Said) -> list[str]:
    """Name the rules between slots that an annotation breaks; what is unknown breaks none."""
    try:
        phrases = {" ".join(PHRASES[i]) for i in phrases_of(said["note"])}
    except ValueError:
        return ["note"]
    rules = _slot_rules(said) | _note_rules(said, phrases)
    for m in MODALITIES:
        rules |= _signal_rules(m, said, phrases)
    return [name for name, is_broken in rules.items() if is_broken]


def _slot_rules(said: Said) -> dict[str, bool]:
    rate, source = said["heart_rate"], said["pressure_source"]
    shown = said["evidence"][0]
    return {
        "rate": rate != UNKNOWN and not (isinstance(rate, int) and rate_fits(said["rhythm"], rate)),
        "source": not source_fits(said["abp_quality"], source),
        "band": source == "none" and said["pressure_band"] != UNKNOWN,
        "evidence": shown != UNKNOWN and said[f"{shown}_quality"] == "absent",
    }


def _note_rules(said: Said, phrases: set[str]) -> dict[str, bool]:
    qualities = {said[f"{m}_quality"] for m in MODALITIES}
    artefacts = {said[f"{m}_artefact"] for m in MODALITIES}
    rhythm = said["rhythm"]
    early = {"early beat", "early beats"}
    pulse = {"wide pulse pressure", "narrow pulse pressure"}
    clean = (
        qualities <= {"good", "absent", UNKNOWN}
        and qualities != {"absent"}
        and artefacts <= {"none", UNKNOWN}
        and rhythm in _CLEAN
        and not phrases & {*early, "long pause", "rates disagree"}
    )
    return {
        "early": bool(phrases & early) and (rhythm not in ("ectopy", UNKNOWN) or early <= phrases),
        "clean": "clean strip" in phrases and not clean,
        "nothing": "nothing to read" in phrases
        and (bool(qualities & {"good", "fair"}) or said["heart_rate"] != UNKNOWN),
        "pulse": bool(phrases & pulse)
        and (said["pressure_source"] != "measured" or pulse <= phrases),
        "line": "no arterial line" in phrases and said["abp_quality"] not in ("absent", UNKNOWN),
        "damped": "arterial line damped" in phrases
        and said["abp_artefact"] not in ("damped", UNKNOWN),
        "flushed": "arterial line flushed" in phrases
        and said["abp_artefact"] not in ("flush", UNKNOWN),
    }


def _signal_rules(m: str, said: Said, phrases: set[str]) -> dict[str, bool]:
    quality, artefact = said[f"{m}_quality"], said[f"{m}_artefact"]
    buried = quality in ("bad", UNKNOWN) and artefact in _NOISES
    return {
        f"{m} lost": f"{m} lost in part" in phrases and artefact not in ("gap", UNKNOWN),
        f"{m} noise": f"{m} buried in noise" in phrases and not buried,
        f"{m} there": f"{m} not there" in phrases and quality not in ("absent", UNKNOWN),
        f"{m} absent": not goes(quality, artefact),
    }


def _same(true: object, said: object) -> bool:
    return true == said


def _near(true: object, said: object) -> bool:
    if isinstance(true, int) and isinstance(said, int):
        return abs(true - said) <= NEAR
    return true == said


def _overlap(true: tuple[Any, Any, Any], said: tuple[Any, Any, Any]) -> bool:
    if true[0] != said[0]:
        return False
    if UNKNOWN in (*true, *said):
        return true == said
    shared = min(true[2], said[2]) - max(true[1], said[1])
    spanned = max(true[2], said[2]) - min(true[1], said[1])
    return bool(shared >= OVERLAP * spanned)


def f1_of_words(truth: list[str], said: list[str]) -> float:
    """Give the mean F1 over the words that are true somewhere; NaN of none."""
    scores = []
    for word in sorted(set(truth)):
        hit = sum(t == word == s for t, s in zip(truth, said, strict=True))
        scores.append(2 * hit / (truth.count(word) + said.count(word)))
    return float(np.mean(scores)) if scores else float("nan")
