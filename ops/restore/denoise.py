"""Noise: zero-phase filters, and where the beats are known their template.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock
from ops.restore.estimate import N_ACTIVITY, Estimate, activity, robust_range
from ops.restore.filters import split_bands
from ops.restore.gaps import find_gaps, interpolate
from ops.restore.placing import N_SOURCES, regular_clock
from ops.restore.tables import DenoiseRule
from ops.restore.template import template_of
from schemas.modality import Modality

F64 = NDArray[np.float64]

NOISE_EDGES: Final = (0.1, 0.18, 0.32, 0.56, 0.8, 1.1, 1.5, 2.0)
"""RMS of what is taken away, relative to the standard deviation of the template."""

CELLS: Final = (N_SOURCES, len(NOISE_EDGES) + 1, N_ACTIVITY)
"""Classes: without a template or over whose beats, noise, activity."""

WINDOW_CELLS: Final = CELLS[:2]
_FLAT: Final = 1e-6
"""A spread below this, in the signal's unit, is that of a line."""

_LEAST_OBSERVED: Final = 0.4
"""What the impute task leaves observed at least."""


def denoise(
    x: F64, own: list[F64], guests: list[dict[Modality, F64]], target: Modality, rule: DenoiseRule
) -> Estimate:
    """Clean ``x`` (B, T), of the modality ``target``.

    ``own`` and ``guests`` are the beat times a window, of the target and of each condition. A
    window that is flat, or has less than 40 % of its samples, comes back as NaN.
    """
    mask = np.isfinite(x)
    drawn = interpolate(x, find_gaps(mask))
    kept, wander = split_bands(np.where(mask.any(axis=1, keepdims=True), drawn, 0.0), target)
    mean = kept.copy()
    window_cell = np.zeros(len(x), dtype=np.int64)
    for i in range(len(x)):
        clock, source = regular_clock(own[i], guests[i], rule.guests, keeps_own=rule.keeps_own)
        noise = _noise_class(x[i], _template(kept[i], clock))
        window_cell[i] = source * WINDOW_CELLS[1] + noise
        steadied = kept[i] - rule.wander_share[window_cell[i]] * wander[i]
        template = _template(steadied, clock)
        mean[i] = steadied + rule.template_share[window_cell[i]] * (template - steadied)
    spread = np.array([row.std() for row in mean])
    usable = (mask.mean(axis=1) >= _LEAST_OBSERVED) & (spread > _FLAT)
    mean = np.where(usable[:, None], mean, np.nan)
    scale = robust_range(mean)
    cell = window_cell[:, None] * N_ACTIVITY + activity(mean, scale)
    return Estimate(mean, scale, cell, window_cell)


def _template(x: F64, clock: BeatClock | None) -> F64:
    if clock is None:
        return x
    template = template_of(x, clock)
    return np.where(np.isfinite(template), template, x)


def _noise_class(x: F64, template: F64) -> int:
    observed = np.isfinite(x)
    if not observed.any() or template.std() == 0:
        return len(NOISE_EDGES)
    taken = np.sqrt(np.mean((x[observed] - template[observed]) ** 2))
    return int(np.digitize(taken / template.std(), NOISE_EDGES))
