"""Power ratios of a window's spectrum (Hann window, 0.25 Hz a bin).

pSQI and basSQI are those of Clifford et al. 2012 (doi 10.1088/0967-3334/33/9/1419); the pulse's
relative power follows Elgendi 2016 (doi 10.3390/bioengineering3040021).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from schemas.grid import GRID_FS, WINDOW_SAMPLES

Rows = NDArray[np.float32]

_HANN: Final = np.hanning(WINDOW_SAMPLES).astype(np.float32)
_TINY: Final = np.float32(1e-20)


def power(rows: Rows) -> Rows:
    """Give (N, 251) power a bin of rows (N, 500), level removed."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spectrum = rfft(centred * _HANN, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def band(power_rows: Rows, low_hz: float, high_hz: float) -> Rows:
    """Sum (N,) the power from ``low_hz`` up to and without ``high_hz``."""
    bin_hz = GRID_FS / WINDOW_SAMPLES
    total: Rows = power_rows[:, round(low_hz / bin_hz) : round(high_hz / bin_hz)].sum(axis=1)
    return total


def qrs_ratio(power_rows: Rows) -> Rows:
    """PSQI: power in 5-15 Hz over that in 5-40 Hz."""
    return band(power_rows, 5, 15) / (band(power_rows, 5, 40) + _TINY)


def baseline_ratio(power_rows: Rows) -> Rows:
    """BasSQI: the share of power below 40 Hz that is not below 1 Hz."""
    return 1 - band(power_rows, 0, 1) / (band(power_rows, 0, 40) + _TINY)


def pulse_ratio(power_rows: Rows) -> Rows:
    """Share of power in 0.5-8 Hz, where a pulse and its harmonics lie, of all above 0 Hz."""
    return band(power_rows, 0.5, 8) / (band(power_rows, 0.25, 62) + _TINY)


def rough_ratio(power_rows: Rows, above_hz: float) -> Rows:
    """Share of power above ``above_hz`` of that above 0.5 Hz."""
    return band(power_rows, above_hz, 62) / (band(power_rows, 0.5, 62) + _TINY)
