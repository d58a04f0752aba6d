"""All that one group has: its records end to end, cut into windows and graded.

Shapes: W windows, T = 500 samples each, L samples in all.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.grade import grade_windows
from schemas.grid import MARGIN_SAMPLES, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32


@dataclass(frozen=True)
class Piece:
    """W windows of one record that follow each other without a hole.

    Attributes:
        record: the record's name.
        first: index of the first window in its record.
        signals: (W * T,) a modality, in its unit, NaN where missing.
        steps: (W,) quantisation steps a modality.
        units: W units a modality, null where it is absent.
    """

    record: str
    first: int
    signals: dict[Modality, F32]
    steps: dict[Modality, F32]
    units: dict[Modality, list[str | None]]

    def __len__(self) -> int:
        return len(self.signals["ecg"]) // WINDOW_SAMPLES


@dataclass(frozen=True)
class Timeline:
    """One group's windows in order of time.

    Attributes:
        group: its name.
        signals: (L,) a modality: the pieces, with a margin of NaN around each.
        at: (W,) first sample of each window.
        start_s: (W,) seconds since the group's first window, records counted end to end.
        follows: (W,) whether a window continues the one before it.
        seeds: (W,) one a window, from its record's name and its index.
        units: W units a modality.
        graded: W rows of grades, rates and pressures.
    """

    group: str
    signals: dict[Modality, F32]
    at: NDArray[np.int64]
    start_s: NDArray[np.float64]
    follows: NDArray[np.bool_]
    seeds: NDArray[np.int64]
    units: dict[Modality, list[str | None]]
    graded: pl.DataFrame

    def __len__(self) -> int:
        return len(self.at)

    def cut(self, m: Modality, rows: NDArray[np.int64], start: int, stop: int) -> F32:
        """Cut samples ``start`` to ``stop`` of windows ``rows``, counted from their first."""
        return np.take(self.signals[m], self.at[rows][:, None] + np.arange(start, stop))


def timeline_of(group: str, pieces: Sequence[Piece]) -> Timeline:
    """Put the pieces of a group end to end and grade their windows."""
    sizes = np.array([len(piece) for piece in pieces])
    within = np.concatenate([np.arange(size) for size in sizes])
    windows = np.arange(len(within))
    order = np.repeat(np.arange(len(pieces)), sizes)
    steps = {m: np.concatenate([p.steps[m] for p in pieces]) for m in MODALITIES}
    units = {m: [unit for p in pieces for unit in p.units[m]] for m in MODALITIES}
    whole = {
        m: np.concatenate([p.signals[m] for p in pieces]).reshape(-1, WINDOW_SAMPLES)
        for m in MODALITIES
    }
    return Timeline(
        group=group,
        signals={m: _with_margins([p.signals[m] for p in pieces]) for m in MODALITIES},
        at=windows * WINDOW_SAMPLES + (2 * order + 1) * MARGIN_SAMPLES,
        start_s=np.asarray(windows * WINDOW_S, dtype=np.float64),
        follows=within > 0,
        seeds=np.array([seed_of(p.record, p.first + i) for p in pieces for i in range(len(p))]),
        units=units,
        graded=grade_windows(whole, units, steps),
    )


def seed_of(record: str, window_index: int) -> int:
    """Give a window's seed: the first 63 bits of the SHA-256 of its name."""
    digest = hashlib.sha256(f"{record}:{window_index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _with_margins(signals: list[F32]) -> F32:
    margin = np.full(MARGIN_SAMPLES, np.nan, np.float32)
    return np.concatenate([part for x in signals for part in (margin, x, margin)])
