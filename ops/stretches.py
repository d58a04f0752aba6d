"""Stretches of records drawn at random, for training: any offset, not the grid's windows alone.

Shapes: B stretches, M = 3 modalities, T = 600 samples: a window and its margins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.cuffless import SCALES, CufflessRecord, physical
from ops.grade import grade_windows
from ops.splices import splices
from schemas.grid import MARGIN_SAMPLES, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes:
        clean: (B, M, T) in mV, NU and mmHg, NaN beyond the record's ends.
        fit: (B, M) whether the grade there is good or fair, so that it can be truth.
    """

    clean: F32
    fit: Mask


class Stretches:
    """Draws from records, groups by the square root of their length, so that none rules."""

    def __init__(self, records: Sequence[CufflessRecord]) -> None:
        self._records = [r for r in records if r.counts.shape[1] >= WINDOW_SAMPLES]
        if not self._records:
            message = "there is no record of 4 s or more to draw from"
            raise ValueError(message)
        self._fit = [fit_windows(record) for record in self._records]
        self._splices = [splices(physical(record.counts)) for record in self._records]

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        lengths = np.array([r.counts.shape[1] for r in self._records], np.float64)
        _, group = np.unique([r.group for r in self._records], return_inverse=True)
        total = np.bincount(group, weights=lengths)[group]
        chances = lengths / np.sqrt(total)
        return np.asarray(chances / chances.sum())

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Draw ``n`` stretches."""
        clean = np.full(
            (n, len(MODALITIES), WINDOW_SAMPLES + 2 * MARGIN_SAMPLES), np.nan, np.float32
        )
        fit = np.zeros((n, len(MODALITIES)), np.bool_)
        for i, which in enumerate(rng.choice(len(self._records), n, p=self._chances)):
            counts, grades = self._records[which].counts, self._fit[which]
            breaks = self._splices[which]
            drawn = int(rng.integers(0, counts.shape[1] - WINDOW_SAMPLES + 1))
            start = _whole(drawn, breaks, counts.shape[1])
            clean[i] = cut(counts, start, breaks)
            fit[i] = grades[min(round(start / WINDOW_SAMPLES), len(grades) - 1)]
        return Drawn(clean, fit)


def cut(counts: NDArray[np.int16], start: int, breaks: NDArray[np.int64]) -> F32:
    """Cut the window at ``start`` with its margins out of a record (M, T): (M, 600).

    Beyond the record's ends, and beyond a break of it, nothing is known.
    """
    ends = np.array([0, *breaks, counts.shape[1]])
    first = max(start - MARGIN_SAMPLES, int(ends[ends <= start].max()))
    last = min(
        start + WINDOW_SAMPLES + MARGIN_SAMPLES, int(ends[ends >= start + WINDOW_SAMPLES].min())
    )
    whole = np.full((len(counts), WINDOW_SAMPLES + 2 * MARGIN_SAMPLES), np.nan, np.float32)
    begin = first - start + MARGIN_SAMPLES
    whole[:, begin : begin + last - first] = physical(counts[:, first:last])
    return whole


def _whole(start: int, breaks: NDArray[np.int64], samples: int) -> int:
    """Move a window that a break lies in to the nearer side of it that has room."""
    within = breaks[(breaks > start) & (breaks < start + WINDOW_SAMPLES)]
    if not within.size:
        return start
    at = int(within[0])
    before = at - start > WINDOW_SAMPLES // 2 or at + WINDOW_SAMPLES > samples
    return at - WINDOW_SAMPLES if before else at


def fit_windows(record: CufflessRecord) -> Mask:
    """Say (W, M) of a record's windows on the grid whether each signal is good or fair."""
    n = record.counts.shape[1] // WINDOW_SAMPLES
    rows = physical(record.counts[:, : n * WINDOW_SAMPLES]).reshape(
        len(MODALITIES), n, WINDOW_SAMPLES
    )
    graded = grade_windows(
        dict(zip(MODALITIES, rows, strict=True)),
        {m: [UNITS[m]] * n for m in MODALITIES},
        {m: np.full(n, SCALES[m], np.float32) for m in MODALITIES},
    )
    fit = graded.select(pl.col(f"{m}_grade").is_in(["good", "fair"]) for m in MODALITIES)
    return fit.to_numpy().astype(np.bool_)
