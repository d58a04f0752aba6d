"""Noise of a known ratio: that of the noise stress test for ECG, and made motion for PPG.

Shapes: N windows, T samples each, L samples of a noise record.

``nst`` of the MIT-BIH Noise Stress Test (Moody et al. 1984, Computers in Cardiology 11:381) takes
as signal power the QRS complex's peak-to-peak amplitude squared / 8, and as noise power the square
of the RMS about its mean over stretches of a second, averaged.
"""

from pathlib import Path
from typing import Final

import numpy as np
import wfdb
from numpy.typing import NDArray

from ops.beats import detect_beats
from ops.resample import grid_span, resample
from schemas.grid import GRID_FS
from schemas.restoration import F32

F64 = NDArray[np.float64]

NSTDB: Final = ("bw", "em", "ma")
"""Baseline wander, electrode motion, muscle artefact."""

_QRS_REACH: Final = 6
"""50 ms on either side of the R peak."""


def read_nstdb(folder: Path) -> dict[str, F32]:
    """Read the noise records of a folder: (channels, L) at 125 Hz, in counts (uncalibrated)."""
    noise = {}
    for kind in NSTDB:
        read = wfdb.rdrecord(str(folder / kind), physical=False)
        _, stop = grid_span(0, read.sig_len, read.fs)
        noise[kind] = np.stack(
            [resample(x.astype(np.float32), 0, read.fs, 0, stop) for x in read.d_signal.T]
        )
    return noise


def qrs_power(x: F32) -> F64:
    """Give (N,) the signal power of ECG ``x`` (N, T) as ``nst`` takes it, NaN without a beat."""
    index = detect_beats(x, "ecg").index.astype(np.int64)
    beat = (index >= _QRS_REACH) & (index < x.shape[1] - _QRS_REACH)
    near = np.where(beat, index, _QRS_REACH)[:, :, None] + np.arange(-_QRS_REACH, _QRS_REACH + 1)
    span = np.ptp(x[np.arange(len(x))[:, None, None], near], axis=2).astype(np.float64)
    count = beat.sum(axis=1)
    mean = np.where(beat, span, 0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean**2 / 8, np.nan)


def noise_power(noise: NDArray[np.floating]) -> F64:
    """Give (N,) the power of ``noise`` (N, T) as ``nst`` takes it; a second's own mean is none.

    What is left of the last second is not looked at.
    """
    seconds = noise.shape[1] // GRID_FS
    cut = noise[:, : seconds * GRID_FS].reshape(len(noise), seconds, GRID_FS).astype(np.float64)
    return np.asarray(cut.std(axis=2).mean(axis=1) ** 2)


def mixed_noise(noise: dict[str, F32], samples: int, rng: np.random.Generator) -> F64:
    """Cut a stretch of each kind at random and mix them by random shares of the power."""
    shares = rng.dirichlet(np.ones(len(noise)))
    mixed = np.zeros(samples)
    for share, record in zip(shares, noise.values(), strict=True):
        start = rng.integers(0, record.shape[1] - samples + 1)
        part = record[rng.integers(len(record)), start : start + samples].astype(np.float64)
        part -= part.mean()
        mixed += np.sqrt(share) * part / max(float(part.std()), 1e-12)
    return mixed


def motion_noise(samples: int, rng: np.random.Generator) -> F64:
    """Make what moving a finger does to PPG: bursts of 0.5-6 Hz, shifts of level, slow drift."""
    t = np.arange(samples)
    shake = band(rng.standard_normal((1, samples)), 0.5, 6.0)[0]
    drift = band(rng.standard_normal((1, samples)), 0.05, 0.5)[0]
    envelope, shift = np.full(samples, 0.1), np.zeros(samples)
    for _ in range(rng.integers(1, 4)):
        middle, width = rng.uniform(0, samples), rng.uniform(0.5, 2.5) * GRID_FS
        burst = np.exp(-0.5 * ((t - middle) / (width / 3)) ** 2)
        envelope += burst
        shift += rng.normal(0, 0.5) * np.cumsum(burst) / burst.sum()
    made = envelope * shake / shake.std() + 0.4 * drift / drift.std() + shift
    return np.asarray(made - made.mean())


def band(noise: F64, low_hz: float, high_hz: float) -> F64:
    """Keep of ``noise`` (N, T) what lies between two frequencies."""
    frequency = np.fft.rfftfreq(noise.shape[1], 1 / GRID_FS)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    kept = np.fft.rfft(noise, axis=1) * inside
    return np.asarray(np.fft.irfft(kept, n=noise.shape[1], axis=1))
