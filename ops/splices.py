"""Where time was cut out of a record and its ends were joined.

The authors of uci_cuffless kept pieces of 8 s and joined them: about three in ten joints at whole
multiples of 8 s are not continuous, so what lies beyond one is no neighbour.

Shapes: L samples.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.restoration import F32

EVERY: Final = 1000
"""Samples: 8 s."""

_USUAL: Final = 0.99
_TIMES: Final = 1.5
"""A joint bends more than this many times what 99 of 100 samples do; of whole joints, 0.3 % do."""


def splices(signals: Iterable[F32]) -> NDArray[np.int64]:
    """Find the joints, among multiples of 8 s, at which any of ``signals`` (L,) breaks."""
    broken: set[int] = set()
    for x in signals:
        bend = np.abs(np.diff(x.astype(np.float64), 2))
        at = np.arange(EVERY, len(x) - 1, EVERY)
        bends = np.maximum(bend[at - 2], bend[at - 1])
        usual = np.quantile(bend, _USUAL) if at.size else 0.0
        broken |= set(at[bends > _TIMES * usual].tolist())
    return np.array(sorted(broken), np.int64)
