"""The beats of one window laid over each other at the same phase.

Shapes: T samples a window, J beats.
"""

import numpy as np
from numpy.typing import NDArray

from ops.restore.beat_clock import BeatClock

F64 = NDArray[np.float64]


def fold(x: F64, clock: BeatClock) -> tuple[F64, NDArray[np.int64]]:
    """Look up, for every sample of ``x`` (T,), the window's other beats at the same phase.

    Returns:
        (J, T) values, NaN where a beat was not measured there, and (T,) the row of the beat that
        each sample itself belongs to.
    """
    n = x.size
    counts = clock.count_at(np.arange(n, dtype=np.float64))
    beat = np.floor(counts)
    rows = np.arange(beat[0], beat[-1] + 1)
    source = clock.time_of(rows[:, None] + (counts - beat)[None, :])  # (J, T)
    return sample_at(x, source), (beat - beat[0]).astype(np.int64)


def sample_at(x: F64, times: F64) -> F64:
    """Evaluate ``x`` (T,) between its samples; NaN outside it and beside missing ones."""
    n = x.size
    inside = (times >= 0) & (times <= n - 1)
    low = np.clip(np.floor(times), 0, n - 2).astype(np.int64)
    part = times - low
    return np.where(inside, x[low] * (1 - part) + x[low + 1] * part, np.nan)


def median_of_known(values: F64) -> F64:
    """Take the median of each column of ``values`` (J, T) over what is known, NaN where nothing."""
    ranked = np.sort(values, axis=0)
    known = np.isfinite(values).sum(axis=0)
    columns = np.arange(values.shape[1])
    lower = ranked[np.maximum(known - 1, 0) // 2, columns]
    upper = ranked[np.minimum(known // 2, values.shape[0] - 1), columns]
    return np.where(known > 0, 0.5 * (lower + upper), np.nan)


def template_of(x: F64, clock: BeatClock) -> F64:
    """Give every sample of ``x`` (T,) the median of all of the window's beats at its phase."""
    return median_of_known(fold(x, clock)[0])


def templates_of(x: F64, clock: BeatClock) -> tuple[F64, F64]:
    """Give the template, and the one without each sample's own beat.

    The first is the same for every beat, so it runs on without a step; the difference of ``x``
    (T,) to the second is an honest error.
    """
    values, own = fold(x, clock)
    template = median_of_known(values)
    values[own, np.arange(x.size)] = np.nan
    return template, median_of_known(values)


def fold_onto(x: F64, clock: BeatClock, phases: F64) -> F64:
    """Give the median beat of ``x`` (T,) at ``phases`` in [0, 1)."""
    ends = np.floor(clock.count_at(np.array([0.0, x.size - 1.0])))
    rows = np.arange(ends[0], ends[1] + 1)
    return median_of_known(sample_at(x, clock.time_of(rows[:, None] + phases[None, :])))
