"""What goes wrong at a bedside: noise to add, faults of the arterial line, and lost samples.

A signal is (n,) at ``fs`` Hz in its own unit; every function gives a new one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FLUSH_BAG_MMHG: Final = 300.0


def wander(n: int, fs: float, rng: np.random.Generator) -> F64:
    """Baseline wander below 0.5 Hz, of unit power."""
    return _unit(_coloured(n, fs, rng, 0.05, 0.5))


def muscle(n: int, fs: float, rng: np.random.Generator) -> F64:
    """Surface electromyogram: broad, in bursts of about a second, of unit power."""
    effort = np.exp(_coloured(n, fs, rng, 0.05, 0.7) * 0.8)
    return _unit(effort * _coloured(n, fs, rng, 15.0, 0.45 * fs))


def electrode_motion(n: int, fs: float, rng: np.random.Generator) -> F64:
    """Jolts of an electrode: steps that decay within a second, in the band of the QRS."""
    jolts = np.zeros(n)
    hits = rng.uniform(size=n) < 1.5 / fs
    jolts[hits] = rng.normal(0, 1, int(hits.sum()))
    decay = np.exp(-np.arange(round(1.2 * fs)) / (0.25 * fs))
    return _unit(np.convolve(jolts, decay)[:n] + 0.35 * _coloured(n, fs, rng, 1.0, 12.0))


def mains(n: int, fs: float, hz: float = 50.0) -> F64:
    """Hum of the mains, of unit power; it aliases where ``fs`` is low."""
    return np.asarray(np.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(n) / fs))


def at_snr(clean: F32, noise: F64, snr_db: float) -> F32:
    """Add noise at a ratio of the variances of the two.

    The noise stress test counts an ECG by its QRS alone, which gives some 8 dB more than this.
    """
    wanted = np.nanvar(clean) / 10 ** (snr_db / 10)
    power = np.var(noise)
    factor = np.sqrt(wanted / power) if power > 0 else 0.0
    return (clean + factor * noise).astype(np.float32)


def within(clean: F32, spoilt: F32, fs: float, start_s: float, length_s: float) -> F32:
    """Take ``spoilt`` for ``length_s`` from ``start_s``, and ``clean`` elsewhere."""
    mixed = clean.copy()
    at = _span(clean, fs, start_s, length_s)
    mixed[at] = spoilt[at]
    return mixed


def ppg_motion(ppg: F32, fs: float, rng: np.random.Generator, strength: float = 2.0) -> F32:
    """A moving finger: swings of ``strength`` times the signal's spread, at 0.4 to 4 Hz."""
    swings = _unit(_coloured(len(ppg), fs, rng, 0.4, 4.0))
    return (ppg + strength * np.nanstd(ppg) * swings).astype(np.float32)


def damped(abp: F32, fs: float, cutoff_hz: float = 0.9) -> F32:
    """An overdamped arterial line: the mean stays, the pulse shrinks."""
    sos = butter(2, cutoff_hz, fs=fs, output="sos")
    return np.asarray(sosfiltfilt(sos, abp), dtype=np.float32)


def flushed(abp: F32, fs: float, start_s: float, length_s: float = 2.0) -> F32:
    """A fast flush: the bag's pressure, a square wave, then ringing at 12 Hz for a moment."""
    at = _span(abp, fs, start_s, length_s)
    spoilt = abp.copy()
    spoilt[at] = FLUSH_BAG_MMHG
    after = _span(abp, fs, start_s + length_s, 0.4)
    u = np.arange(after.stop - after.start) / fs
    spoilt[after] += (40 * np.exp(-u / 0.08) * np.cos(2 * np.pi * 12 * u)).astype(np.float32)
    return spoilt


def zeroed(abp: F32, fs: float, start_s: float, length_s: float = 8.0) -> F32:
    """The transducer open to air, as when it is zeroed."""
    spoilt = abp.copy()
    spoilt[_span(abp, fs, start_s, length_s)] = 0.0
    return spoilt


def flat_line(signal: F32, fs: float, start_s: float, length_s: float) -> F32:
    """A lead that came off: the value at ``start_s`` is held."""
    spoilt = signal.copy()
    at = _span(signal, fs, start_s, length_s)
    spoilt[at] = signal[at][:1]
    return spoilt


def lost(signal: F32, fs: float, start_s: float, length_s: float) -> F32:
    """Samples that the monitor did not record: NaN."""
    spoilt = signal.copy()
    spoilt[_span(signal, fs, start_s, length_s)] = np.nan
    return spoilt


def clipped(signal: F32, low: float, high: float) -> F32:
    """A converter whose range is too small."""
    return np.clip(signal, low, high)


def _span(signal: F32, fs: float, start_s: float, length_s: float) -> slice:
    first = min(max(round(start_s * fs), 0), len(signal))
    return slice(first, min(max(round((start_s + length_s) * fs), first), len(signal)))


def _coloured(n: int, fs: float, rng: np.random.Generator, low_hz: float, high_hz: float) -> F64:
    """Gaussian noise with a flat spectrum between two frequencies, of unit power."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    hz = np.fft.rfftfreq(n, 1 / fs)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return _unit(np.fft.irfft(spectrum, n))


def _unit(noise: F64) -> F64:
    spread = noise.std()
    return np.asarray((noise - noise.mean()) / spread) if spread > 0 else noise
