"""The deterministic analyser: annotations from beats, grades and indexes of what is there.

It is what teaches a model, on clean signals, and what the model is judged beside, on spoiled ones.

Shapes: N windows, T samples, K beats.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

import schemas.annotation
from ops.beats import detect_beats
from ops.grade import GRADER_VERSION, grade_windows
from ops.restored import hash_files
from ops.strip.artefacts import Found, artefacts
from ops.strip.completed import completed
from ops.strip.facts import Facts, Words, annotations_of
from ops.strip.legible import LOST
from ops.strip.pace import Pace, pace
from ops.strip.reach import within_reach
from ops.strip.spans import by_steps
from schemas.annotation import SPAN_STEP_S
from schemas.annotator import SLOTS, AnnotateBatch, Annotated, Given
from schemas.modality import MODALITIES, UNCALIBRATED, UNITS, Modality
from schemas.restoration import F32
from schemas.template import Annotation

Sample = TypeVar("Sample", bound=np.generic)

_HERE: Final = Path(__file__).parent
_PARTS: Final = (
    *("artefacts", "completed", "facts", "legible", "levels", "marks", "pace", "reach"),
    *("remarks", "rhythm", "rules", "score", "spans"),
)
CODE: Final = (
    *(_HERE / f"{part}.py" for part in _PARTS),
    *sorted((_HERE.parent / "grade").glob("*.py")),
    _HERE.parent / "beats.py",
    Path(schemas.annotation.__file__),
)
"""The files that decide what the rules say; those that teach a model are none of them."""

_READ_FIRST: Final[tuple[Modality, ...]] = ("ecg", "abp", "ppg")
"""Whose beats are read, where others are no better."""

_RANK: Final = {"good": 0, "fair": 1}
_HIDING: Final = ("flat", "flush")
"""Artefacts in whose span no beat can be seen; a gap's is known by its samples."""


class RulesAnnotator:
    """The analyser behind the annotator's interface; it is as sure of each slot as of any."""

    model_id: Final = "rules-1"

    @property
    def model_sha256(self) -> str:
        """Of the code."""
        return hash_files(CODE)

    @property
    def spec(self) -> Mapping[str, object]:
        """What decides beside the code."""
        return {"grader_version": GRADER_VERSION}

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Fill the templates of B windows; what the rules say against what is given gives way.

        Raises:
            ValueError: where what is given of a window does not go together, naming which.
        """
        found = read_by_rules(batch.signals, batch.calibrated)
        told = [
            _completed(i, a, g) for i, (a, g) in enumerate(zip(found, batch.given, strict=True))
        ]
        one = np.ones(len(told), np.float32)
        return Annotated(told, dict.fromkeys(SLOTS, one), np.zeros(len(told), np.int32))


def _completed(i: int, annotation: Annotation, given: Given) -> Annotation:
    try:
        return completed(annotation, given)
    except ValueError as error:
        message = f"what is given of window {i} does not go together: {given}"
        raise ValueError(message) from error


def read_by_rules(
    signals: Mapping[Modality, F32], calibrated: Mapping[Modality, NDArray[np.bool_]]
) -> list[Annotation]:
    """Say what is in N windows by rules alone; (N, T) signals with NaN missing."""
    return annotations_of(facts_of(signals, calibrated)) if len(signals["ecg"]) else []


def facts_of(
    signals: Mapping[Modality, F32], calibrated: Mapping[Modality, NDArray[np.bool_]]
) -> Facts:
    """Find what can be known of N windows by rules; (N, T) signals with NaN missing."""
    signals = {m: within_reach(signals[m]) for m in MODALITIES}
    n = len(signals["ecg"])
    units = {m: np.where(calibrated[m], UNITS[m], UNCALIBRATED) for m in MODALITIES}
    steps = {m: np.full(n, np.nan, np.float32) for m in MODALITIES}
    graded = grade_windows(signals, units, steps)
    quality = {m: graded[f"{m}_grade"].to_numpy().astype(np.str_) for m in MODALITIES}
    beats = {m: detect_beats(signals[m], m) for m in MODALITIES}
    found = {m: artefacts(signals[m], beats[m], quality[m], calibrated[m], m) for m in MODALITIES}
    legible = {m: _legible(signals[m], found[m]) for m in MODALITIES}
    paces = {m: pace(beats[m].index, legible[m]) for m in MODALITIES}
    rates = {
        m: np.where(np.isfinite(_float(graded[f"hr_{m}"])), paces[m].rate, np.float32("nan"))
        for m in MODALITIES
    }
    read = _read(rates, paces, quality)
    pressure = np.stack([_float(graded[p]) for p in ("sbp", "dbp", "map")], axis=1)
    return Facts(
        beats=_chosen(read, {m: beats[m].index for m in MODALITIES}),
        rate=_chosen(read, rates),
        rhythm=np.full(n, "", np.str_),
        legible=_chosen(read, legible),
        rates=rates,
        quality=quality,
        artefact={m: found[m].artefact for m in MODALITIES},
        span_s={m: found[m].span_s for m in MODALITIES},
        pressure=pressure,
        source=np.where(np.isfinite(pressure).all(axis=1), "measured", "none"),
    )


def _read(
    rates: dict[Modality, F32], paces: dict[Modality, Pace], quality: dict[Modality, Words]
) -> NDArray[np.intp]:
    """Number (N,) the signal of ``_READ_FIRST`` whose beats are read.

    Of those whose rate is told it is one of the best quality, and of these the one whose intervals
    vary least: a beat that was missed or made up makes them vary, but none makes them steady.
    """
    cost = []
    for m in _READ_FIRST:
        rank = np.select([quality[m] == word for word in _RANK], list(_RANK.values()), len(_RANK))
        cost.append(np.where(np.isfinite(rates[m]), rank + paces[m].variation, np.inf))
    return np.asarray(np.argmin(cost, axis=0))


def _legible(x: F32, found: Found) -> NDArray[np.bool_]:
    """Say (N, S) in which steps beats of ``x`` can be seen."""
    there = by_steps(np.isfinite(x)).mean(axis=2) >= 1 - LOST
    middle = (np.arange(there.shape[1]) + 0.5) * SPAN_STEP_S
    first, last = found.span_s[:, :1], found.span_s[:, 1:]
    with np.errstate(invalid="ignore"):
        hidden = (middle >= first) & (middle <= last)
    return np.asarray(there & ~(hidden & np.isin(found.artefact, _HIDING)[:, None]))


def _chosen(read: NDArray[np.intp], of: Mapping[Modality, NDArray[Sample]]) -> NDArray[Sample]:
    """Take from each row what is of the signal that was read."""
    return np.stack([of[m] for m in _READ_FIRST])[read, np.arange(len(read))]


def _float(column: pl.Series) -> F32:
    return column.cast(pl.Float32).fill_null(float("nan")).to_numpy()
