"""Lessons without end: windows of two sources, spoiled anew each time.

Shapes: B windows, M = 3 modalities, T = 500 samples.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ops.stretches import Stretches
from ops.strip.lessons import Lessons, lessons
from ops.strip.reference import ReferenceStrips
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES

REFERENCED: Final = 0.2
"""Share of the windows that come from records with a reference, where there are any."""

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

    def draw(self, n: int, rng: np.random.Generator, *, referenced: bool = True) -> Lessons:
        """Draw ``n`` lessons; records with a reference alike, and each of their rhythms alike.

        Where not ``referenced``, the analyser alone teaches.
        """
        of_reference = round(REFERENCED * n) if self._references and referenced else 0
        parts = [lessons(self._stretches.draw(n - of_reference, rng).clean[:, :, _CORE], rng)]
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
        return lessons(
            np.stack([strips.signals[row] for strips, row in chosen]),
            rng,
            rhythm=np.array([strips.rhythm[row] for strips, row in chosen]),
            beats=np.stack([strips.beats[row] for strips, row in chosen]),
            rate=np.array([strips.rate[row] for strips, row in chosen], np.float32),
        )


def joined(parts: Sequence[Lessons]) -> Lessons:
    """Put lessons one after the other."""
    return Lessons(
        np.concatenate([part.signals for part in parts]),
        [annotation for part in parts for annotation in part.truth],
        [given for part in parts for given in part.given],
        np.concatenate([part.spoiled for part in parts]),
    )
