"""Signals of any size brought to one in which squares don't overflow.

Shapes: N rows, T samples.
"""

from typing import Final

import numpy as np

from schemas.restoration import F32

REACH_EXPONENT: Final = 24
"""As for grades: rows beyond 2 to this power are brought down to it."""


def within_reach(x: F32) -> F32:
    """Divide rows (..., T) that are too large by a power of two; what is not finite is missing."""
    known = np.where(np.isfinite(x), x, np.float32("nan"))
    largest = np.where(np.isfinite(x), np.abs(x), np.float32(0)).max(axis=-1)
    excess = np.minimum(REACH_EXPONENT - np.frexp(largest)[1], 0)
    return np.ldexp(known, excess[..., None]) if excess.any() else known
