"""Physical windows as Int16 counts with one scale a window, and back.

Shapes: n windows, T = 500 samples each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.grid import MISSING

F32 = NDArray[np.float32]
HALF_COUNTS: Final = 32_765
"""Counts either side of ``zero`` that the doubled range may take; two are left for rounding."""
RESAMPLED_FINENESS: Final = 4.0
"""A resampled signal is stored this much finer than its source's step."""
LARGEST: Final = 1e38
"""What lies beyond is missing: twice its range, the headroom, would overflow a float32."""
_STEP_BOUNDS: Final = (float(np.finfo(np.float32).tiny), 1e30)
_TIE_BREAK: Final = 1 / 3
"""Keeps the rounding of ``zero`` off the ties that a range of whole steps would meet."""


@dataclass(frozen=True)
class Encoded:
    """``physical = count * scale + zero``; NaN scale and zero where a window has no sample.

    Attributes:
        counts: (n, T), ``MISSING`` where there is no sample.
        scale: (n,) physical units a count.
        zero: (n,) the physical value of count 0, a multiple of ``scale``.
    """

    counts: NDArray[np.int16]
    scale: F32
    zero: F32


def encode(physical: F32, steps: F32, exact: NDArray[np.bool_]) -> Encoded:
    """Store each window by its own scale, with twofold headroom.

    The scale is the source's step where ``exact`` (the samples are whole steps, and stay so),
    else a quarter of it, doubled until twice the observed range fits: an imputed signal that
    overshoots by half the range either way keeps the scale. A sample that is not finite, or beyond
    ``LARGEST``, is missing; a step that is not a positive number counts as 1.

    Args:
        physical: (n, T), NaN where missing.
        steps: (n,) quantisation step of the source.
        exact: (n,) True where the source's samples are kept as they are.
    """
    observed = (physical >= -LARGEST) & (physical <= LARGEST)
    present = observed.any(axis=1)
    wide = np.where(observed, physical, 0).astype(np.float64)
    low = np.where(present, np.where(observed, wide, np.inf).min(axis=1, initial=np.inf), 0.0)
    high = np.where(present, np.where(observed, wide, -np.inf).max(axis=1, initial=-np.inf), 0.0)
    scale = _scale(high - low, steps, exact)
    middle = low / 2 + high / 2
    zero = (np.rint(middle / scale + _TIE_BREAK) * scale).astype(np.float32)
    offsets = np.where(observed, wide, zero[:, None]) - zero[:, None].astype(np.float64)
    counts = np.clip(np.rint(offsets / scale[:, None]), -32_767, 32_767).astype(np.int16)
    counts[~observed] = MISSING
    absent = np.float32(np.nan)
    return Encoded(
        counts,
        np.where(present, scale.astype(np.float32), absent),
        np.where(present, zero, absent),
    )


def decode_counts(counts: NDArray[np.int16], scale: F32, zero: F32) -> F32:
    """Turn stored counts into physical units, in float32; ``MISSING`` becomes NaN."""
    missing = counts == MISSING
    physical = np.where(missing, 0, counts).astype(np.float32) * scale[:, None] + zero[:, None]
    physical[missing] = np.nan
    return physical


def _scale(
    extent: NDArray[np.float64], steps: F32, exact: NDArray[np.bool_]
) -> NDArray[np.float64]:
    known = np.isfinite(steps) & (steps > 0)
    step = np.where(known, steps, 1.0) / np.where(exact, 1.0, RESAMPLED_FINENESS)
    base = np.clip(step, *_STEP_BOUNDS).astype(np.float32).astype(np.float64)
    doublings = np.ceil(np.log2(np.maximum(extent / (HALF_COUNTS * base), 1.0)))
    return np.asarray(np.ldexp(base, doublings.astype(np.int64)))
