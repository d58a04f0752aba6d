"""Agreement of heart rates between modalities, as in Behar et al. 2013 and Li et al. 2008.

A rate agrees where it lies within 10 % or 6 beats/min of that of another signal. A signal that has
no fit other to be compared with agrees.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.modality import MODALITIES, Modality

Rows = NDArray[np.float32]

SHARE: Final = np.float32(0.1)
BEATS_PER_MIN: Final = np.float32(6)


def agreement(rates: dict[Modality, Rows]) -> dict[Modality, NDArray[np.bool_]]:
    """Say per modality whether its (N,) rate agrees with any other's; NaN is no rate to compare."""
    return {m: _agrees(rates[m], [rates[o] for o in MODALITIES if o != m]) for m in MODALITIES}


def confirmed(rates: dict[Modality, Rows], fit: dict[Modality, Rows]) -> dict[Modality, Rows]:
    """Keep the (N,) rates that are fit, and those that lie near a fit one of another signal.

    A bad signal whose rate another confirms has a pulse in it; any other rate of it is noise.
    """
    return {
        m: np.where(_near(rates[m], [fit[o] for o in MODALITIES if o != m]), rates[m], fit[m])
        for m in MODALITIES
    }


def _agrees(rate: Rows, others: list[Rows]) -> NDArray[np.bool_]:
    told = np.any([np.isfinite(other) for other in others], axis=0)
    return np.asarray(_near(rate, others) | ~told | ~np.isfinite(rate))


def _near(rate: Rows, others: list[Rows]) -> NDArray[np.bool_]:
    near = np.zeros(len(rate), np.bool_)
    with np.errstate(invalid="ignore"):
        for other in others:
            near |= np.abs(rate - other) <= np.maximum(SHARE * other, BEATS_PER_MIN)
    return near
