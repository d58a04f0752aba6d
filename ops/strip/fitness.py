"""How fit a spoiled signal still is, by what is known to have been done to it.

Shapes: B windows, M = 3 modalities in the order of ``MODALITIES``, T samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.strip.spans import run_lengths
from schemas.restoration import F32

NOTICED_DB: Final = 16.0
"""Ratio of the clean signal's power to that of all that was done to it, beyond which nobody sees
it."""

GOOD_DB: Final = 12.0
FAIR_DB: Final = 3.0
"""Ratios from which a signal is as fit; noise of that power is graded so as often as not."""

WANDER_DB: Final = 6.0
"""Wander hurts, and shows, as little as other noise that is weaker by this: beats stay what they
are on it, and breathing moves a line of its own accord."""

MOST_MISSING: Final = (0.02, 0.6)
MOST_CUT: Final = (0.05, 0.2)
"""Shares of a window, missing or held at a rail, beyond which it is not good, and not fair."""

LONG_FLAT: Final = 115
"""Samples (0.92 s) at one level that make a signal bad, as for its grade."""


def fitness_of(
    clean: F32, seen: F32, artefact: NDArray[np.str_], ratio_db: F32, missing: F32
) -> NDArray[np.str_]:
    """Say (B, M) what was left: by ratio, by what is missing, and by what no grade allows."""
    changed = changed_from(clean, seen)
    cut = np.where(artefact == "saturated", changed.mean(axis=2), 0)
    held = artefact == "flat"
    long = np.zeros(held.shape, np.bool_)
    long[held] = run_lengths(changed[held]).max(axis=1, initial=0) >= LONG_FLAT
    bad = (ratio_db < FAIR_DB) | (missing > MOST_MISSING[1]) | (cut >= MOST_CUT[1]) | long
    poor = (ratio_db < GOOD_DB) | (missing > MOST_MISSING[0]) | (cut > MOST_CUT[0])
    return np.asarray(np.select([missing == 1, bad, poor], ["absent", "bad", "fair"], "good"))


def told(clean: F32, seen: F32) -> tuple[F32, F32]:
    """Give (B, M) power of the clean signal over that of the difference in dB, and what is missing.

    The signal counts by its range, that between its 2nd and 98th percentile squared over 8, as for
    ``nst``: by its variance an ECG would be mostly its own silence. A change of level alone, or
    nothing but missing samples, is an infinite ratio.
    """
    known = np.isfinite(clean) & np.isfinite(seen)
    count = np.maximum(known.sum(axis=2), 1)
    apart = np.where(known, seen - clean, 0).astype(np.float64)
    apart -= np.where(known, apart.sum(axis=2, keepdims=True) / count[..., None], 0)
    noise = (apart**2).sum(axis=2) / count
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(ranges(clean) ** 2 / 8 / noise)
    ratio = np.where(noise == 0, np.inf, ratio)
    return ratio.astype(np.float32), (1 - np.isfinite(seen).mean(axis=2)).astype(np.float32)


def ranges(x: F32) -> NDArray[np.float64]:
    """Give (...,) the range between the 2nd and 98th percentile of (..., T), 0 of nothing."""
    ordered = np.sort(x, axis=-1)
    last = np.maximum(np.isfinite(x).sum(axis=-1, keepdims=True) - 1, 0)
    low, high = (
        np.take_along_axis(ordered, np.round(share * last).astype(np.intp), axis=-1)[..., 0]
        for share in (0.02, 0.98)
    )
    return np.nan_to_num(high.astype(np.float64) - low)


def changed_from(clean: F32, seen: F32) -> NDArray[np.bool_]:
    """Say (..., T) where samples differ, or lie between two that do: a line may cross its level."""
    changed = np.asarray(np.isfinite(seen) & (seen != clean))
    changed[..., 1:-1] |= changed[..., :-2] & changed[..., 2:]
    return changed
