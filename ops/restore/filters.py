"""Zero-phase filters of the three modalities.

Butterworth sections run forwards and backwards, row by row, so that a window's output does not
depend on its batch. Bands: ECG 0.5-40 Hz (AHA/ACC/HRS 2007 monitoring band), PPG 0.5-8 Hz
(Elgendi 2012), ABP below 16 Hz, whose mean is a pressure and stays.

Shapes: B windows, T samples each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from schemas.grid import GRID_FS
from schemas.modality import Modality

F64 = NDArray[np.float64]

BANDS_HZ: Final[dict[Modality, tuple[float, float]]] = {
    "ecg": (0.5, 40.0),
    "ppg": (0.5, 8.0),
    "abp": (0.0, 16.0),
}
_PAD: Final = 124


def zero_phase(x: F64, modality: Modality) -> F64:
    """Keep the modality's band of ``x`` (B, T), which must be finite; the row's median stays."""
    low_hz, high_hz = BANDS_HZ[modality]
    level = np.median(x, axis=1, keepdims=True)
    kept = _run(x - level, 4, high_hz, "lowpass")
    if low_hz > 0:
        kept = kept - _run(kept, 2, low_hz, "lowpass")
    return kept + level


def _run(x: F64, order: int, cutoff_hz: float, kind: str) -> F64:
    sos = butter(order, cutoff_hz, kind, fs=GRID_FS, output="sos")
    return np.asarray(sosfiltfilt(sos, x, axis=1, padlen=_PAD), dtype=np.float64)
