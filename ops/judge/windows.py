"""Whole windows with known truth, and all that a restorer may be told beside them.

Shapes: N windows, T = 500 samples each, M = 50 samples of margin.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ops.judge.rows import Rows, take_rows
from schemas.modality import MODALITIES, Modality
from schemas.restoration import F32, Cuff


@dataclass(frozen=True)
class Windows:
    """N whole windows.

    Attributes:
        signals: (N, T) a modality, in its unit.
        fit: (N,) a modality: graded so that it can be truth or condition.
        groups: (N,) group names.
        hr: (N,) heart rate of the best of ECG and PPG in beats/min, NaN where unknown.
        seeds: (N,) one a window, from its name alone.
        rates: (N,) a modality, heart rate in beats/min by itself, NaN where unknown.
        before: (N, M) a modality, NaN where missing or not fit.
        after: (N, M) likewise.
        usual: (N, 2) a modality, lowest and highest value that its good windows nearby have.
        units: N units a modality.
        cuffs: by the choice of the reference, a reading for each window.
    """

    signals: dict[Modality, F32]
    fit: dict[Modality, NDArray[np.bool_]]
    groups: NDArray[np.str_]
    hr: F32
    seeds: NDArray[np.int64]
    rates: dict[Modality, F32] = field(default_factory=dict)
    before: dict[Modality, F32] = field(default_factory=dict)
    after: dict[Modality, F32] = field(default_factory=dict)
    usual: dict[Modality, F32] = field(default_factory=dict)
    units: dict[Modality, list[str | None]] = field(default_factory=dict)
    cuffs: dict[str, Cuff] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.groups)

    def take(self, rows: Rows) -> "Windows":
        """Keep some rows."""
        return take_rows(self, rows)

    def fit_for(self, *modalities: Modality) -> "Windows":
        """Keep the windows whose ``modalities`` are all fit."""
        return self.take(np.logical_and.reduce([self.fit[m] for m in modalities]))


def others_of(target: Modality) -> tuple[Modality, ...]:
    """Give the other two modalities."""
    return tuple(m for m in MODALITIES if m != target)
