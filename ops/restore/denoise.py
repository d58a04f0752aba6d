"""Noise: zero-phase filters, and where the beats are known their template.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock, beat_clock, beat_period
from ops.restore.estimate import N_ACTIVITY, Estimate, activity, robust_range
from ops.restore.tables import DenoiseRule
from ops.restore.template import template_of

F64 = NDArray[np.float64]

NOISE_EDGES: Final = (0.1, 0.18, 0.32, 0.56, 1.0, 1.8)
"""RMS of what is taken away, relative to the standard deviation of the template."""

CELLS: Final = (2, len(NOISE_EDGES) + 1, N_ACTIVITY)
"""Classes: without or with a template, noise, activity."""

WINDOW_CELLS: Final = CELLS[:2]
_IRREGULAR: Final = 0.15
_LEAST_OBSERVED: Final = 0.4
"""What the impute task leaves observed at least."""


def denoise(
    x: F64, filtered: F64, own: list[F64], others: list[list[F64]], rule: DenoiseRule
) -> Estimate:
    """Clean ``x`` (B, T), of which ``filtered`` is the zero-phase version without gaps.

    The template is laid over the beats of the first of the ``others`` (a condition's beat times
    a window) that are regular, else over the target's ``own``. A window that is flat, or has less
    than 40 % of its samples, comes back as NaN.
    """
    mean = filtered.copy()
    templated = np.zeros(len(x), dtype=np.int64)
    noise = np.zeros(len(x), dtype=np.int64)
    for i in range(len(x)):
        clock = regular_clock([beats[i] for beats in (*others, own)])
        template = filtered[i] if clock is None else _whole(filtered[i], clock)
        templated[i] = clock is not None
        noise[i] = _noise_class(x[i], template)
        share = rule.template_share[noise[i]]
        mean[i] = filtered[i] + share * (template - filtered[i])
    spread = np.array([row.std() for row in mean])
    usable = (np.isfinite(x).mean(axis=1) >= _LEAST_OBSERVED) & (spread > 1e-6)
    mean = np.where(usable[:, None], mean, np.nan)
    scale = robust_range(mean)
    window_cell = np.ravel_multi_index((templated, noise), WINDOW_CELLS)
    cell = window_cell[:, None] * N_ACTIVITY + activity(mean, scale)
    return Estimate(mean, scale, cell, window_cell)


def regular_clock(candidates: list[F64]) -> BeatClock | None:
    """Time the beats by the first of the candidates that is regular to within 15 %."""
    for beats in candidates:
        if beats.size < 3:
            continue
        period = beat_period(beats, np.ones(beats.size - 1, dtype=np.bool_))
        if np.median(np.abs(np.diff(beats) - period)) <= _IRREGULAR * period:
            return beat_clock(beats, period)
    return None


def _whole(filtered: F64, clock: BeatClock) -> F64:
    template = template_of(filtered, clock, with_own=True)
    return np.where(np.isfinite(template), template, filtered)


def _noise_class(x: F64, template: F64) -> int:
    observed = np.isfinite(x)
    if not observed.any() or template.std() == 0:
        return len(NOISE_EDGES)
    taken = np.sqrt(np.mean((x[observed] - template[observed]) ** 2))
    return int(np.digitize(taken / template.std(), NOISE_EDGES))
