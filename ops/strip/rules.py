"""The deterministic analyser: annotations from beats, grades and indexes of what is there.

It is what teaches a model, on clean signals, and what the model is judged beside, on spoiled ones.

Shapes: N windows, T samples, K beats.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.beats import detect_beats
from ops.grade import GRADER_VERSION, grade_windows, window_indexes
from ops.restored import hash_files
from ops.strip.facts import Facts, annotations_of
from schemas.annotation import UNKNOWN
from schemas.annotator import SLOTS, AnnotateBatch, Annotated, Given
from schemas.modality import MODALITIES, UNCALIBRATED, UNITS, Modality
from schemas.restoration import F32
from schemas.template import Annotation

_OPS: Final = Path(__file__).parents[1]
CODE: Final = (
    *sorted(Path(__file__).parent.glob("*.py")),
    *sorted((_OPS / "grade").glob("*.py")),
    _OPS / "beats.py",
)
"""The files that decide what the rules say."""

ALIKE: Final = 0.1
"""Rates that differ by more than this share disagree."""

_PLAIN_S: Final = 0.2
Columns = Mapping[str, NDArray[np.float32]]


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
        """Fill the templates of B windows; what is given replaces what the rules say.

        Raises:
            ValueError: where what is given of a window does not go together.
        """
        found = annotations_of(facts_of(batch.signals, batch.calibrated))
        told = [_with_given(a, g) for a, g in zip(found, batch.given, strict=True)]
        one = np.ones(len(told), np.float32)
        return Annotated(told, dict.fromkeys(SLOTS, one), np.zeros(len(told), np.int32))


def facts_of(
    signals: Mapping[Modality, F32], calibrated: Mapping[Modality, NDArray[np.bool_]]
) -> Facts:
    """Find what can be known of N windows by rules; (N, T) signals with NaN missing."""
    n = len(signals["ecg"])
    units = {m: np.where(calibrated[m], UNITS[m], UNCALIBRATED) for m in MODALITIES}
    steps = {m: np.full(n, np.nan, np.float32) for m in MODALITIES}
    graded = grade_windows(signals, units, steps)
    indexes = _columns(window_indexes(signals, units, steps))
    rates = np.stack([_float(graded[f"hr_{m}"]) for m in ("ecg", "abp", "ppg")])
    quality = {m: graded[f"{m}_grade"].to_numpy().astype(np.str_) for m in MODALITIES}
    pressure = np.stack([_float(graded[p]) for p in ("sbp", "dbp", "map")], axis=1)
    fit_line = np.isfinite(pressure).all(axis=1)
    return Facts(
        beats=_beats(signals, rates),
        rate=_first(rates),
        rhythm=np.full(n, "", np.str_),
        disagree=_disagree(rates),
        quality=quality,
        artefact={m: artefact_of(m, indexes, quality[m]) for m in MODALITIES},
        span_s={m: spans_of(signals[m]) for m in MODALITIES},
        pressure=pressure,
        source=np.where(fit_line, "measured", "none"),
    )


def artefact_of(
    modality: Modality, indexes: Columns, quality: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Name (N,) what is wrong with a signal: of what holds, the first."""

    def index(name: str) -> NDArray[np.float32]:
        return indexes[f"{modality}_{name}"]

    poor = quality != "good"
    conditions: dict[str, NDArray[np.bool_]] = {
        "none": quality == "absent",
        "gap": index("missing") > 0.02,
    }
    if modality == "abp":
        conditions["flush"] = index("flush") > 0.02
        conditions["damped"] = index("upstroke") < 5
    conditions["flat"] = index("flat") > 0
    conditions["saturated"] = index("rail") > 0.08
    conditions["spikes"] = index("kurtosis") > (40 if modality == "ecg" else 12)
    if modality == "ecg":
        conditions["wander"] = poor & (index("baseline_ratio") < 0.25)
        conditions["noise"] = poor & (index("rough_ratio") > 0.35)
    else:
        conditions["noise"] = poor & (index("rough_ratio") > 0.15)
        conditions["wander"] = poor & (index("pulse_ratio") < 0.35)
    conditions["movement"] = poor & (index("template_correlation") < 0.9)
    with np.errstate(invalid="ignore"):
        named = np.select(list(conditions.values()), list(conditions), default="none")
    return np.where((named == "none") & (quality == "bad"), UNKNOWN, named)


def spans_of(x: F32) -> F32:
    """Give (N, 2) seconds around the part of ``x`` (N, T) that is missing, or most unlike the rest.

    NaN where nothing is missing and no stretch of 0.2 s has three times the usual range.
    """
    bins = x.reshape(len(x), -1, 25)
    missing = ~np.isfinite(bins)
    level = np.where(missing, 0, bins)
    reach = np.where(missing.all(axis=2), 0, level.max(axis=2) - level.min(axis=2))
    usual = np.median(reach, axis=1, keepdims=True)
    odd = missing.any(axis=2) | (reach > 3 * np.maximum(usual, 1e-9))
    odd &= np.isfinite(x).any(axis=1, keepdims=True)
    return longest_run(odd, _PLAIN_S)


def longest_run(odd: NDArray[np.bool_], step_s: float) -> F32:
    """Give (N, 2) start and end of the longest run of True a row, in seconds; NaN where none is."""
    length = np.zeros(len(odd), np.int64)
    best = length.copy()
    end = length.copy()
    for i in range(odd.shape[1]):
        length = np.where(odd[:, i], length + 1, 0)
        longer = length > best
        best, end = np.where(longer, length, best), np.where(longer, i + 1, end)
    span = np.stack([end - best, end], axis=1) * step_s
    return np.where(best[:, None] > 0, span, np.nan).astype(np.float32)


def _beats(signals: Mapping[Modality, F32], rates: F32) -> NDArray[np.int16]:
    """Give the beats of the first signal whose rate is told: (N, K)."""
    found = [detect_beats(signals[m], m).index for m in ("ecg", "abp", "ppg")]
    told = np.isfinite(rates)
    which = told.argmax(axis=0)
    chosen = np.stack(found)[which, np.arange(rates.shape[1])]
    none = ~told.any(axis=0, keepdims=True).T
    return np.where(none, np.int16(-1), chosen)


def _first(rates: F32) -> F32:
    which = np.isfinite(rates).argmax(axis=0)
    first: F32 = rates[which, np.arange(rates.shape[1])]
    return first


def _disagree(rates: F32) -> NDArray[np.bool_]:
    there = np.isfinite(rates)
    low = np.where(there, rates, np.inf).min(axis=0)
    high = np.where(there, rates, -np.inf).max(axis=0)
    return np.asarray((there.sum(axis=0) > 1) & (high > (1 + ALIKE) * low))


def _columns(frame: pl.DataFrame) -> dict[str, NDArray[np.float32]]:
    return {name: _float(frame[name]) for name in frame.columns}


def _float(column: pl.Series) -> F32:
    return column.cast(pl.Float32).fill_null(float("nan")).to_numpy()


def _with_given(annotation: Annotation, given: Given) -> Annotation:
    if not given:
        return annotation
    told = annotation.model_dump()
    for slot, word in given.items():
        modality, _, part = slot.partition("_")
        if modality in told and part in told.get(modality, {}):
            told[modality][part] = word
        else:
            told[slot] = int(word) if slot == "heart_rate" and word.isdigit() else word
    if told["pressure"]["source"] == "none":
        told["pressure"]["band"] = UNKNOWN
    return Annotation.model_validate(told)
