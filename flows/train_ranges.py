"""What a model has seen of heart rate and pressure: beyond that it should not speak."""

from typing import Final

import numpy as np

from ops.judge.baselines.pressures import true_pressures
from ops.judge.windows import Windows
from schemas.modality import MODALITIES
from schemas.restoration import F32, Range

ENDS: Final = (0.001, 0.999)
"""The range holds all windows but a thousandth at either end, which may be misread."""


def seen_ranges(windows: Windows) -> dict[str, Range]:
    """Give the range of ``hr`` (beats/min), ``sbp`` and ``dbp`` (mmHg) over training windows."""
    pressures = true_pressures(windows.fit_for("abp"))
    seen = {"hr": _rate(windows), "sbp": pressures["sbp"], "dbp": pressures["dbp"]}
    return {name: _range(values) for name, values in seen.items()}


def _rate(windows: Windows) -> F32:
    """Give (N,) heart rates as a night tells them: that of the first modality that has one."""
    rate = np.full(len(windows), np.nan, np.float32)
    for m in MODALITIES:
        rate = np.where(np.isfinite(rate), rate, windows.rates[m])
    return rate


def _range(values: F32) -> Range:
    low, high = np.quantile(values[np.isfinite(values)], ENDS)
    return round(float(low), 1), round(float(high), 1)
