"""Lines and splines across gaps, filters and wavelets against noise.

Shapes: B windows, X = 600 samples each, margins included.
"""

from typing import Final

import numpy as np
import pywt
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

from ops.judge.baselines.plain import Curve, widened
from ops.restore.gaps import find_gaps, interpolate
from schemas.grid import GRID_FS
from schemas.modality import Modality
from schemas.restoration import RestoreBatch

F64 = NDArray[np.float64]

BANDS_HZ: Final[dict[Modality, tuple[float | None, float]]] = {
    "ecg": (0.5, 40.0),
    "ppg": (0.5, 8.0),
    "abp": (None, 16.0),
}
"""ECG by AHA/ACC/HRS 2007 (monitoring), PPG by Elgendi 2012; ABP keeps its level."""

WAVELET: Final = "sym8"
LEVELS: Final = 5
_PAD: Final = 124
_TO_SIGMA: Final = 0.6745
_FEWEST: Final = 4


def curves() -> list[Curve]:
    """Make every method that draws a curve from the target alone."""
    return [
        Curve("linear", ("impute",), draw=linear),
        Curve("cubic spline", ("impute",), draw=spline),
        Curve("band-pass", ("denoise",), draw=band_pass),
        Curve("wavelet", ("denoise",), draw=wavelet),
    ]


def linear(batch: RestoreBatch) -> F64:
    """Draw straight lines across gaps; at the ends the nearest sample is held."""
    return _bridged(widened(batch))


def spline(batch: RestoreBatch) -> F64:
    """Draw a cubic spline through all that was measured; beyond its ends the last is held."""
    wide = widened(batch)
    t = np.arange(wide.shape[1])
    drawn = np.full_like(wide, np.nan)
    for i, x in enumerate(wide):
        known = np.flatnonzero(np.isfinite(x))
        if known.size >= _FEWEST:
            drawn[i] = CubicSpline(known, x[known])(np.clip(t, known[0], known[-1]))
    return drawn


def band_pass(batch: RestoreBatch) -> F64:
    """Filter forwards and backwards within the modality's band, around the window's median."""
    wide = _bridged(widened(batch))
    spoken = np.isfinite(wide).all(axis=1, keepdims=True)
    level = np.median(np.where(spoken, wide, 0), axis=1, keepdims=True)
    low, high = BANDS_HZ[batch.target]
    edges, kind = (high, "lowpass") if low is None else ((low, high), "bandpass")
    sos = butter(2, edges, kind, fs=GRID_FS, output="sos")
    centred = np.where(spoken, wide - level, 0)
    return np.where(spoken, sosfiltfilt(sos, centred, axis=1, padlen=_PAD) + level, np.nan)


def wavelet(batch: RestoreBatch) -> F64:
    """Shrink wavelet coefficients softly, each level by BayesShrink (Chang et al. 2000)."""
    wide = _bridged(widened(batch))
    spoken = np.isfinite(wide).all(axis=1, keepdims=True)
    coarse, *details = pywt.wavedec(np.where(spoken, wide, 0), WAVELET, level=LEVELS, axis=1)
    sigma = np.median(np.abs(details[-1]), axis=1, keepdims=True) / _TO_SIGMA
    shrunk = [_shrink(detail, sigma) for detail in details]
    return np.where(spoken, pywt.waverec([coarse, *shrunk], WAVELET, axis=1), np.nan)


def _shrink(detail: F64, sigma: F64) -> F64:
    """Move coefficients (B, C) towards 0 by sigma² over the spread of what is signal."""
    signal = np.sqrt(np.maximum((detail**2).mean(axis=1, keepdims=True) - sigma**2, 0))
    largest = np.abs(detail).max(axis=1, keepdims=True)
    threshold = np.where(signal > 0, sigma**2 / np.where(signal > 0, signal, 1), largest)
    return np.asarray(np.sign(detail) * np.maximum(np.abs(detail) - threshold, 0))


def _bridged(wide: F64) -> F64:
    return interpolate(wide, find_gaps(np.isfinite(wide)))
