"""What the grading benchmark does to real signals, and what it counts.

Shapes: N windows, T samples.
"""

import time
import warnings
from dataclasses import dataclass
from typing import Final, Literal

import neurokit2 as nk
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.grading_signals import CleanEcg, Signals, trimmed_mean
from ops.grade import grade_windows
from schemas.grid import GRID_FS, SHARD_WINDOWS
from schemas.modality import Modality

Rows = NDArray[np.float32]
Fault = Literal["flat", "flat at 0", "fall to rail", "clipped above", "clipped below", "missing"]

FAULTS: Final[tuple[Fault, ...]] = (
    "flat",
    "flat at 0",
    "fall to rail",
    "clipped above",
    "clipped below",
    "missing",
)
LONGEST: Final = 375
"""Samples of the longest planted fault (3 s); the shortest is 1 s."""


def grade(windows: Signals) -> pl.DataFrame:
    """Grade a shard at a time, as the reader does."""
    starts = range(0, windows.height, SHARD_WINDOWS)
    blocks = [slice(start, start + SHARD_WINDOWS) for start in starts]
    return pl.concat(
        [
            grade_windows(
                {m: rows[b] for m, rows in windows.rows.items()},
                {m: unit[b] for m, unit in windows.units.items()},
                {m: step[b] for m, step in windows.steps.items()},
            )
            for b in blocks
        ]
    )


def noise_power(noise: Rows) -> float:
    """Noise power as ``nst`` takes it: RMS of 1 s stretches, the extreme 5 % dropped, squared."""
    stretches = noise[: len(noise) // GRID_FS * GRID_FS].reshape(-1, GRID_FS).astype(np.float64)
    return trimmed_mean(stretches.std(axis=1)) ** 2


def add_noise(clean: CleanEcg, noise: Rows, snr_db: float, rng: np.random.Generator) -> Rows:
    """Add stretches of ``noise``, scaled so that 10 log10(S / (a² N)) is ``snr_db``."""
    a = np.sqrt(clean.qrs_power / noise_power(noise) * 10 ** (-snr_db / 10))
    samples = clean.rows.shape[1]
    start = rng.integers(0, len(noise) - samples, len(clean.rows))
    added = noise[start[:, None] + np.arange(samples)]
    return np.asarray(clean.rows + np.float32(a) * added, np.float32)


def roc_area(higher: NDArray[np.float32], lower: NDArray[np.float32]) -> float:
    """Chance that one of ``higher`` lies above one of ``lower``; ties count half."""
    rank = rankdata(np.concatenate([higher, lower]))
    n, m = len(higher), len(lower)
    return float((rank[:n].sum() - n * (n + 1) / 2) / (n * m))


def plant(rows: Rows, fault: Fault, rng: np.random.Generator) -> Rows:
    """Plant one fault of 1 to 3 s in every window; clipping holds that long in all."""
    planted = rows.copy()
    for window in planted:
        length = int(rng.integers(GRID_FS, LONGEST + 1))
        start = int(rng.integers(0, len(window) - length + 1))
        _plant_one(window, fault, slice(start, start + length))
    return planted


def _plant_one(window: Rows, fault: Fault, where: slice) -> None:
    length = where.stop - where.start
    ordered = np.sort(window)
    if fault == "flat":
        window[where] = window[where.start]
    elif fault == "flat at 0":
        window[where] = 0
    elif fault == "fall to rail":
        window[where] = ordered[0] - 0.2 * (ordered[-1] - ordered[0])
    elif fault == "missing":
        window[where] = np.nan
    elif fault == "clipped above":
        np.minimum(window, ordered[-length], out=window)
    else:
        np.maximum(window, ordered[length - 1], out=window)


def is_caught(grades: pl.Series, fault: Fault) -> float:
    """Share of windows caught: bad, or for missing samples (which can be imputed) not good."""
    caught = grades != "good" if fault == "missing" else grades == "bad"
    return float(caught.to_numpy().mean())


def failing_signals(row: dict[str, object]) -> list[Modality]:
    """Name what fails in a record that is not good, by the figures of ``index.csv`` alone.

    A signal fails where it is absent, half NaN, a quarter flat, ABP with a median below 20 or a
    99th percentile above 250 mmHg, or where its rate is 10 % off every other's.
    """
    names: dict[Modality, str] = {"ppg": "PLETH", "abp": "ABP"}
    return [m for m, name in names.items() if _fails(row, m, name)]


def _fails(row: dict[str, object], modality: Modality, name: str) -> bool:
    def figure(column: str, otherwise: float) -> float:
        value = row[column]
        return float(value) if isinstance(value, int | float) else otherwise

    if name not in str(row["sigs"]).split("|"):
        return True
    if figure(f"nan_{name}", 0) >= 0.5 or figure(f"flat_{name}", 0) >= 0.25:
        return True
    if modality == "abp" and (figure("abp_p50", 80) < 20 or figure("abp_p99", 120) > 250):
        return True
    rates = {k: figure(f"hr_{k}", np.nan) for k in ("ecg", "PLETH", "ABP")}
    others = [rate for k, rate in rates.items() if k != name and np.isfinite(rate)]
    return bool(others) and all(abs(rates[name] - other) > 0.1 * other for other in others)


@dataclass(frozen=True)
class Seconds:
    """Time taken, by the wall's clock and by the processor's."""

    wall: float
    cpu: float


def _now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def _since(start: Seconds) -> Seconds:
    now = _now()
    return Seconds(now.wall - start.wall, now.cpu - start.cpu)


def seconds_of_ours(windows: Signals, repeats: int = 5) -> Seconds:
    """Time to grade all three modalities, median of ``repeats``."""
    taken = []
    grade(windows)
    for _ in range(repeats):
        start = _now()
        grade(windows)
        taken.append(_since(start))
    wall, cpu = [t.wall for t in taken], [t.cpu for t in taken]
    return Seconds(float(np.median(wall)), float(np.median(cpu)))


def seconds_of_neurokit(windows: Signals) -> tuple[Seconds, int]:
    """Time of ``ecg_quality`` and ``ppg_quality``, cleaning not counted; windows it refused."""
    wall, cpu, refused = 0.0, 0.0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ecg, ppg in zip(windows.rows["ecg"], windows.rows["ppg"], strict=True):
            ecg_clean = nk.ecg_clean(ecg, sampling_rate=GRID_FS)
            ppg_clean = nk.ppg_clean(ppg, sampling_rate=GRID_FS)
            start = _now()
            try:
                nk.ecg_quality(ecg_clean, sampling_rate=GRID_FS)
                nk.ppg_quality(ppg_clean, sampling_rate=GRID_FS)
            except (ValueError, IndexError, ZeroDivisionError):
                refused += 1
            taken = _since(start)
            wall, cpu = wall + taken.wall, cpu + taken.cpu
    return Seconds(wall, cpu), refused
