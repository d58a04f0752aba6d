"""Zero-phase filters of the three modalities.

Butterworth sections run forwards and backwards, row by row, so that a window's output does not
depend on its batch. Cutoffs: ECG 40 Hz (AHA/ACC/HRS 2007, monitoring), PPG 8 Hz (Elgendi 2012), ABP
16 Hz. Below 0.5 Hz lies wander, and breathing too: how much of it goes is measured, not assumed.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from schemas.grid import GRID_FS
from schemas.modality import Modality

F64 = NDArray[np.float64]

CUTOFFS_HZ: Final[dict[Modality, float]] = {"ecg": 40.0, "ppg": 8.0, "abp": 16.0}
WANDER_HZ: Final = 0.5
_PAD: Final = 124


def split_bands(x: F64, modality: Modality) -> tuple[F64, F64]:
    """Split ``x`` (B, T), which must be finite, at the modality's cutoff and at 0.5 Hz.

    Returns:
        What lies below the cutoff, and of it what lies below 0.5 Hz around the row's median.
    """
    level = np.median(x, axis=1, keepdims=True)
    kept = _low_pass(x - level, 4, CUTOFFS_HZ[modality])
    return kept + level, _low_pass(kept, 2, WANDER_HZ)


def _low_pass(x: F64, order: int, cutoff_hz: float) -> F64:
    sos = butter(order, cutoff_hz, "lowpass", fs=GRID_FS, output="sos")
    return np.asarray(sosfiltfilt(sos, x, axis=1, padlen=_PAD), dtype=np.float64)
