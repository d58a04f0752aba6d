"""Real signals for the grading benchmark, on the 125 Hz grid, read in place.

Shapes: N windows, T = 500 samples. ``scipy`` resamples here, not the reader that is part of the
project, so that the benchmark judges the grader alone.
"""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import wfdb
import wfdb.processing
from numpy.typing import NDArray
from scipy.signal import resample_poly

from schemas.grid import GRID_FS, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality

Rows = NDArray[np.float32]

UCI_STEPS: Final[dict[Modality, float]] = {"ecg": 0.002, "ppg": 1 / 1023, "abp": 0.05}
UCI_FILES: Final = ("uci-2.parquet",)
"""No threshold was chosen or looked at with this file."""

CINC_NAMES: Final[dict[Modality, str]] = {"ecg": "II", "ppg": "PLETH", "abp": "ABP"}


@dataclass(frozen=True)
class Signals:
    """N windows of the three modalities: samples, units and quantisation steps."""

    rows: dict[Modality, Rows]
    units: dict[Modality, list[str | None]]
    steps: dict[Modality, Rows]

    @property
    def height(self) -> int:
        """Windows."""
        return len(self.rows["ecg"])


@dataclass(frozen=True)
class CleanEcg:
    """Windows of one record's ECG that two foreign beat detectors agree on."""

    rows: Rows
    qrs_power: float
    """Signal power as ``nst`` takes it: peak-to-peak squared / 8, in mV²."""


def signals(rows: dict[Modality, Rows], steps: dict[Modality, float]) -> Signals:
    """Put windows of one step a modality together; a modality that is not given is absent."""
    n = len(next(iter(rows.values())))
    empty = np.full((n, WINDOW_SAMPLES), np.nan, np.float32)
    return Signals(
        rows={m: rows.get(m, empty) for m in MODALITIES},
        units={m: [UNITS[m]] * n for m in MODALITIES},
        steps={m: np.full(n, steps.get(m, np.nan), np.float32) for m in MODALITIES},
    )


def on_grid(signal: NDArray[np.float64], fs: float) -> Rows:
    """Resample to 125 Hz; a sample is missing where its nearest source sample is."""
    missing = np.isnan(signal)
    ratio = Fraction(GRID_FS / fs).limit_denominator(100)
    if missing.all():
        return np.full(len(signal) * ratio.numerator // ratio.denominator, np.nan, np.float32)
    where = np.arange(len(signal))
    filled = np.interp(where, where[~missing], signal[~missing])
    level = filled.mean()
    resampled = resample_poly(filled - level, ratio.numerator, ratio.denominator) + level
    nearest = np.round(np.arange(len(resampled)) * fs / GRID_FS).astype(int)
    resampled[missing[np.minimum(nearest, len(signal) - 1)]] = np.nan
    return np.asarray(resampled, np.float32)


def cut(signal: Rows) -> Rows:
    """Cut whole windows (N, T)."""
    n = len(signal) // WINDOW_SAMPLES
    return signal[: n * WINDOW_SAMPLES].reshape(n, WINDOW_SAMPLES)


def read_cinc(wfdb_folder: Path, record: str) -> Signals:
    """Read one training record of the CinC Challenge 2015, quantised by its own gain."""
    read = wfdb.rdrecord(str(wfdb_folder / "cinc2015" / "training" / record))
    rows: dict[Modality, Rows] = {}
    steps: dict[Modality, float] = {}
    for m, name in CINC_NAMES.items():
        if name in read.sig_name:
            channel = read.sig_name.index(name)
            steps[m] = 1 / read.adc_gain[channel]
            on = on_grid(read.p_signal[:, channel], read.fs)
            rows[m] = cut((np.round(on / steps[m]) * steps[m]).astype(np.float32))
    return signals(rows, steps)


def cinc_index(wfdb_folder: Path) -> pl.DataFrame:
    """Read what is known of each record: ``good``, and the figures of the others."""
    return pl.read_csv(wfdb_folder / "cinc2015" / "index.csv")


def read_uci(folder: Path, records: int) -> Iterator[dict[Modality, Rows]]:
    """Read ``records`` records, each as one stretch (N, T) a modality."""
    for name in UCI_FILES:
        frame = pl.read_parquet(folder / name).sample(records // len(UCI_FILES), seed=1)
        for row in frame.iter_rows(named=True):
            yield {
                m: cut(np.array(row[m], np.float32) * np.float32(UCI_STEPS[m])) for m in MODALITIES
            }


def clean_ecg(rows: Rows) -> CleanEcg | None:
    """Keep windows (N, T) in which ``xqrs`` and ``gqrs`` of wfdb find the same beats.

    That is a bSQI of 1 (Li et al. 2008, doi 10.1088/0967-3334/29/1/002), and owes nothing to the
    grader. ``None`` where fewer than five are left.
    """
    whole = ~np.isnan(rows).any(axis=1)
    stretch = np.nan_to_num(rows).reshape(-1).astype(np.float64)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(divide="ignore"):
        first = wfdb.processing.xqrs_detect(stretch, GRID_FS, verbose=False)
        second = wfdb.processing.gqrs_detect(stretch, GRID_FS)
    kept = [
        i for i in np.flatnonzero(whole).tolist() if _same_beats(first, second, i * WINDOW_SAMPLES)
    ]
    if len(kept) < 5:
        return None
    beats = first[np.isin(first // WINDOW_SAMPLES, kept)]
    return CleanEcg(rows[kept], _qrs_power(stretch, beats))


def _same_beats(first: NDArray[np.int64], second: NDArray[np.int64], start: int) -> bool:
    end = start + WINDOW_SAMPLES
    one = first[(first >= start) & (first < end)]
    other = second[(second >= start) & (second < end)]
    return len(one) > 1 and len(one) == len(other) and bool((np.abs(one - other) <= 19).all())


def _qrs_power(stretch: NDArray[np.float64], beats: NDArray[np.int64]) -> float:
    """Mean peak-to-peak within 50 ms of the beats, extremes dropped, squared / 8."""
    at = beats[(beats >= 6) & (beats < len(stretch) - 6)]
    around = stretch[at[:, None] + np.arange(-6, 7)]
    return float(trimmed_mean(np.ptp(around, axis=1)) ** 2 / 8)


def trimmed_mean(values: NDArray[np.float64]) -> float:
    """Mean without the largest and the smallest 5 %."""
    ordered, dropped = np.sort(values), int(len(values) * 0.05)
    return float(ordered[dropped : len(ordered) - dropped].mean())


def read_noise(wfdb_folder: Path, kind: str) -> list[Rows]:
    """Read both channels of a noise record (uncalibrated: in counts) as one stretch each."""
    read = wfdb.rdrecord(str(wfdb_folder / "nstdb" / kind), physical=False)
    return [on_grid(channel.astype(np.float64), read.fs) for channel in read.d_signal.T]
