"""Annotations that keep what was given of them: what rules say against it gives way."""

from typing import Any, Final

from ops.strip.score import broken, said_of
from schemas.annotation import PHRASES, UNKNOWN, goes, note_of, phrases_of, rate_fits, source_fits
from schemas.annotator import Given
from schemas.modality import MODALITIES
from schemas.template import Annotation

_LEAST: Final = {"measured": "fair"}
"""The least that a line is whose pressure is told to come from there."""

_NOT_GIVEN: Final = ("evidence", "note")

Told = dict[str, Any]


def completed(annotation: Annotation, given: Given) -> Annotation:
    """Put what is given into an annotation; what does not go with it becomes unknown, or none.

    Raises:
        ValueError: where what is given does not go together, or can't be said.
    """
    if not given:
        return annotation
    told = annotation.model_dump()
    for slot, word in given.items():
        _put(told, slot, word)
    _agree(told, given)
    if told["pressure"]["source"] != annotation.pressure.source and "pressure_band" not in given:
        told["pressure"]["band"] = UNKNOWN
    shown = told["evidence"]["signal"]
    if shown != UNKNOWN and told[shown]["quality"] == "absent":
        told["evidence"] = {}
    return _with_note(Annotation.model_validate(told | {"note": UNKNOWN}), annotation.note)


def _put(told: Told, slot: str, word: str) -> None:
    key, _, part = slot.partition("_")
    if slot == "heart_rate" and not (word.isdecimal() or word == UNKNOWN):
        message = f"heart_rate can't be {word!r}"
        raise ValueError(message)
    if key in (*MODALITIES, "pressure") and part in told[key]:
        told[key][part] = word
    elif slot in told and slot not in _NOT_GIVEN:
        told[slot] = int(word) if word.isdecimal() else word
    else:
        message = f"{slot} can't be given, got {word!r}"
        raise ValueError(message)


def _agree(told: Told, given: Given) -> None:
    """Let what was not given give way; where both sides were, the template refuses them."""
    rate, pressure, line = told["heart_rate"], told["pressure"], told["abp"]
    if rate != UNKNOWN and not rate_fits(told["rhythm"], rate):
        _give_way(given, ("rhythm", told, UNKNOWN), ("heart_rate", told, UNKNOWN))
    if not source_fits(line["quality"], pressure["source"]):
        if "pressure_source" not in given:
            pressure["source"] = "none"
        elif "abp_quality" not in given:
            line["quality"] = _LEAST.get(pressure["source"], UNKNOWN)
    if given.get("pressure_band", UNKNOWN) != UNKNOWN and pressure["source"] == "none":
        pressure["source"] = given.get("pressure_source") or _source(line["quality"])
    for m in MODALITIES:
        signal = told[m]
        if not goes(signal["quality"], signal["artefact"]):
            _give_way(given, (f"{m}_artefact", signal, "none"), (f"{m}_quality", signal, UNKNOWN))


def _give_way(given: Given, *slots: tuple[str, Told, str]) -> None:
    """Let the first of some slots that was not given say something else."""
    for slot, told, word in slots:
        if slot not in given:
            told[slot if slot in told else slot.partition("_")[2]] = word
            return


def _source(line: str) -> str:
    """Say where a pressure that was given may come from."""
    return "measured" if source_fits(line, "measured") else "imputed"


def _with_note(annotation: Annotation, note: str) -> Annotation:
    """Keep of a note what the annotation does not speak against."""
    said = dict(said_of(annotation))
    kept = [i for i in phrases_of(note) if not broken(said | {"note": " ".join(PHRASES[i])})]
    return annotation.model_copy(update={"note": note_of(kept)})
