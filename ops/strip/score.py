"""How right annotations are, slot by slot, and whether they are of one mind.

A heart rate is right within 5 beats/min; evidence where it is of the same signal and overlaps by
half of what the two span together; any other slot where it says the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from schemas.annotation import PHRASES, UNKNOWN, phrases_of, rate_fits
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

_NOISES: Final = frozenset({"wander", "movement", "noise"})


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
    """Give the share of windows in which each slot is right."""
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
    """Give of each worded slot the mean F1 over the words that are true somewhere."""
    return {slot: _macro_f1([t[slot] for t in truth], [s[slot] for s in said]) for slot in WORDED}


def consistent(said: Said) -> bool:
    """Say whether no slot of an annotation speaks against another."""
    return not broken(said)


def broken(said: Said) -> list[str]:
    """Name the rules between slots that an annotation breaks; what is unknown breaks none."""
    try:
        phrases = {" ".join(PHRASES[i]) for i in phrases_of(said["note"])}
    except ValueError:
        return ["note"]
    rate = said["heart_rate"]
    quality = {m: said[f"{m}_quality"] for m in MODALITIES}
    artefact = {m: said[f"{m}_artefact"] for m in MODALITIES}
    there = [m for m in MODALITIES if quality[m] != "absent"]
    clean = all(quality[m] == "good" and artefact[m] == "none" for m in there)
    early = "early beat" in phrases or "early beats" in phrases
    rules = {
        "rate": rate != UNKNOWN and not (isinstance(rate, int) and rate_fits(said["rhythm"], rate)),
        "early": early and said["rhythm"] != "ectopy",
        "clean": "clean strip" in phrases and not clean,
        "nothing": "nothing to read" in phrases
        and any(quality[m] in ("good", "fair") for m in MODALITIES),
        "line": "no arterial line" in phrases and quality["abp"] != "absent",
        "damped": "arterial line damped" in phrases and artefact["abp"] != "damped",
        "flushed": "arterial line flushed" in phrases and artefact["abp"] != "flush",
        "source": said["pressure_source"] == "measured" and quality["abp"] in ("bad", "absent"),
        "band": said["pressure_source"] == "none" and said["pressure_band"] != UNKNOWN,
        "evidence": said["evidence"][0] not in (*there, UNKNOWN),
    }
    for m in MODALITIES:
        rules[f"{m} lost"] = f"{m} lost in part" in phrases and artefact[m] != "gap"
        rules[f"{m} noise"] = f"{m} buried in noise" in phrases and (
            quality[m] != "bad" or artefact[m] not in _NOISES
        )
        rules[f"{m} there"] = f"{m} not there" in phrases and quality[m] != "absent"
        rules[f"{m} absent"] = quality[m] == "absent" and artefact[m] not in ("none", UNKNOWN)
    return [name for name, is_broken in rules.items() if is_broken]


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


def _macro_f1(truth: list[str], said: list[str]) -> float:
    scores = []
    for word in sorted(set(truth)):
        hit = sum(t == word == s for t, s in zip(truth, said, strict=True))
        scores.append(2 * hit / (truth.count(word) + said.count(word)))
    return float(np.mean(scores)) if scores else float("nan")
