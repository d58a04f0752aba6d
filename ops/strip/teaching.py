"""Lessons without end: windows of two sources, spoiled anew each time.

Shapes: B windows, M = 3 modalities, T = 500 samples.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.beats import detect_beats
from ops.stretches import Stretches
from ops.strip.lessons import Lessons, lessons
from ops.strip.pulses import pulses
from ops.strip.reference import ReferenceStrips
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES
from schemas.modality import MODALITIES
from schemas.restoration import F32

REFERENCED: Final = 0.2
"""Share of the windows that come from records with a reference, where there are any."""

ALONE: Final = 0.25
"""Share of the analyser's windows whose ECG is alone, where there are references: ECG alone must be
no sign of a rhythm that people told."""

PULSED: Final = {"analyser": 0.15, "reference": 0.5}
"""Share of windows whose PPG is made of the beats, so that a PPG is no sign against one, and a made
one no sign of it."""

_CORE: Final = slice(MARGIN_SAMPLES, MARGIN_SAMPLES + WINDOW_SAMPLES)


class Teaching:
    """Draws from stretches, whose analyser teaches, and from records with reference rhythms."""

    def __init__(self, stretches: Stretches, references: Sequence[ReferenceStrips] = ()) -> None:
        self._stretches = stretches
        self._references = [strips for strips in references if len(strips.rhythm)]
        self._rows = [
            [np.flatnonzero(strips.rhythm == word) for word in np.unique(strips.rhythm)]
            for strips in self._references
        ]

    def draw(
        self,
        n: int,
        rng: np.random.Generator,
        *,
        referenced: bool = True,
        uncalibrated: float = 0.0,
    ) -> Lessons:
        """Draw ``n`` lessons; records with a reference alike, and each of their rhythms alike.

        Where not ``referenced``, the analyser alone teaches. Of a share ``uncalibrated`` of what it
        teaches nobody knows the unit of ABP.
        """
        of_reference = round(REFERENCED * n) if self._references and referenced else 0
        clean = self._stretches.draw(n - of_reference, rng).clean[:, :, _CORE]
        if of_reference:
            clean = _like_references(clean, rng)
        parts = [lessons(clean, rng, uncalibrated=uncalibrated)]
        if of_reference:
            parts.append(self._referenced(of_reference, rng))
        return joined(parts)

    def _referenced(self, n: int, rng: np.random.Generator) -> Lessons:
        """Draw record by record, and in each a rhythm first, so that the rare ones are seen."""
        chosen = []
        for record in rng.integers(0, len(self._references), n):
            of_rhythms = self._rows[record]
            rows = of_rhythms[rng.integers(len(of_rhythms))]
            chosen.append((self._references[record], int(rng.choice(rows))))
        beats = np.stack([strips.beats[row] for strips, row in chosen])
        signals = np.stack([strips.signals[row] for strips, row in chosen])
        return lessons(
            _pulsed(signals, beats, PULSED["reference"], rng),
            rng,
            rhythm=np.array([strips.rhythm[row] for strips, row in chosen]),
            beats=beats,
            rate=np.array([strips.rate[row] for strips, row in chosen], np.float32),
        )


def _like_references(clean: F32, rng: np.random.Generator) -> F32:
    """Leave of some (B, M, T) the ECG alone, and make the PPG of others of its beats."""
    ecg = clean[:, MODALITIES.index("ecg")]
    beats = detect_beats(ecg, "ecg").index
    clean = _pulsed(clean, beats, PULSED["analyser"], rng)
    alone = (rng.random(len(clean)) < ALONE) & np.isfinite(ecg).any(axis=1)
    for m in ("ppg", "abp"):
        clean[alone, MODALITIES.index(m)] = np.nan
    return clean


def _pulsed(signals: F32, beats: NDArray[np.int16], share: float, rng: np.random.Generator) -> F32:
    """Replace the PPG of a share of (B, M, T) by one that follows the beats (B, K)."""
    made = pulses(beats, rng)
    chosen = (rng.random(len(signals)) < share) & np.isfinite(made).any(axis=1)
    signals = signals.copy()
    signals[chosen, MODALITIES.index("ppg")] = made[chosen]
    return signals


def joined(parts: Sequence[Lessons]) -> Lessons:
    """Put lessons one after the other."""
    return Lessons(
        np.concatenate([part.signals for part in parts]),
        [annotation for part in parts for annotation in part.truth],
        [given for part in parts for given in part.given],
        np.concatenate([part.spoiled for part in parts]),
        np.concatenate([part.calibrated for part in parts]),
    )
