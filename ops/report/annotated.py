"""What is said of windows: how often each word, and slot by slot of one window."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ops.report.words import NARROW, share
from schemas.annotation import QUALITIES, RHYTHMS, UNKNOWN
from schemas.annotator import SLOTS
from schemas.modality import MODALITIES

_UNITS: Final = {"heart_rate": "beats/min"}
_NAMES: Final = {m: m.upper() for m in MODALITIES}


@dataclass(frozen=True)
class Annotated:
    """Counts of windows.

    Attributes:
        models: windows by ``model_id``, the most first.
        rhythms: of each rhythm that is told its windows, subjects and median confidence.
        qualities: by modality, windows of each quality.
    """

    models: dict[str, int]
    rhythms: list[dict[str, Any]]
    qualities: dict[str, dict[str, int]]

    @property
    def windows(self) -> int:
        """All of them."""
        return sum(self.models.values())


@dataclass(frozen=True)
class Said:
    """One slot of one window: its name, its words, and how sure they are in percent."""

    slot: str
    words: str
    sure: str


def annotated(annotations: pl.LazyFrame) -> Annotated:
    """Count what is said; the order is that of the words' own lists."""
    by_model = annotations.group_by("model_id").agg(pl.len().alias("n")).collect()
    rhythms = (
        annotations.group_by("rhythm")
        .agg(
            windows=pl.len(),
            subjects=pl.struct("dataset", "subject_id").n_unique(),
            sure=pl.col("rhythm_confidence").median(),
        )
        .collect()
    )
    qualities = {m: _counts(annotations, f"{m}_quality") for m in MODALITIES}
    return Annotated(
        models=dict(by_model.sort("n", "model_id", descending=[True, False]).rows()),
        rhythms=sorted(rhythms.to_dicts(), key=lambda row: RHYTHMS.index(row["rhythm"])),
        qualities={m: told for m, told in qualities.items() if told},
    )


def _counts(annotations: pl.LazyFrame, column: str) -> dict[str, int]:
    there = dict(annotations.group_by(column).agg(pl.len()).collect().rows())
    return {word: there.get(word, 0) for word in QUALITIES} if there else {}


def said_of(row: dict[str, Any]) -> list[Said]:
    """Say what a row of ``annotations`` says, slot by slot."""
    return [_said(row, slot) for slot in SLOTS]


def _said(row: dict[str, Any], slot: str) -> Said:
    name, _, part = slot.partition("_")
    told = f"{_NAMES[name]} {part}" if name in _NAMES else slot.replace("_", " ")
    words = _span(row) if slot == "evidence" else row[slot]
    text = UNKNOWN if words is None else str(words).replace("_", " ")
    unit = f" {_UNITS[slot]}" if slot in _UNITS and words is not None else ""
    return Said(told, text + unit, share(row[f"{slot}_confidence"], 1))


def _span(row: dict[str, Any]) -> str | None:
    signal = row["evidence_signal"]
    if signal == UNKNOWN:
        return None
    ends = f"{row['evidence_from_s']:.1f} to {row['evidence_to_s']:.1f}{NARROW}s"
    return f"{_NAMES[signal]}, {ends}"
