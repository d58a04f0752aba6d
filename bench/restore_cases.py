"""Real windows with known truth, and what is done to them: gaps and noise.

Shapes: N windows, T = 500 samples each.
"""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.cuffless import SCALES, counted_once
from ops.grade import grade_windows
from ops.judge.noise import band
from ops.judge.windows import Windows
from ops.split import Split, split_of
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Grade, Modality
from schemas.restoration import RestoreBatch, Task

F32 = NDArray[np.float32]

SNR_RANGE_DB: Final = (-9.0, 20.0)
"""Noise that rules are chosen and residuals measured on."""


def read_windows(folder: Path, per_group: int, seed: int) -> dict[Split, Windows]:
    """Draw up to ``per_group`` windows of each group; of records that repeat samples, the first."""
    group_of = counted_once(folder)
    rng = np.random.default_rng(seed)
    paths = sorted(folder.glob("uci-*.parquet"))
    frames = [_chosen(path, group_of, per_group, rng) for path in paths]
    ranked = pl.concat(frames).sort("group", "rank").group_by("group", maintain_order=True)
    chosen = ranked.head(per_group)
    splits = np.array([split_of(group) for group in chosen["group"]])
    whole = _windows(chosen)
    return {split: whole.take(splits == split) for split in sorted(set(splits))}


def _chosen(
    path: Path, group_of: dict[str, str], per_group: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Rank the windows of a file at random and keep the first ``per_group`` of each group."""
    records = pl.read_parquet(path).filter(pl.col("record").is_in(list(group_of)))
    index = records.select(
        pl.col("record").replace_strict(group_of).alias("group"),
        pl.int_ranges(0, pl.col("ecg").list.len() // WINDOW_SAMPLES).alias("window"),
        pl.int_range(pl.len()).alias("row"),
    ).explode("window")
    ranked = index.with_columns(pl.Series("rank", rng.random(len(index))))
    kept = ranked.sort("rank").group_by("group", maintain_order=True).head(per_group)
    signals = records.with_columns(pl.int_range(pl.len()).alias("row")).drop("record", "block")
    return (
        kept.join(signals, on="row")
        .with_columns(
            pl.col(m).list.slice(pl.col("window") * WINDOW_SAMPLES, WINDOW_SAMPLES)
            for m in MODALITIES
        )
        .select("group", "rank", *MODALITIES)
    )


def _windows(chosen: pl.DataFrame) -> Windows:
    signals: dict[Modality, F32] = {
        m: np.array(chosen[m].to_list(), dtype=np.float32) * np.float32(SCALES[m])
        for m in MODALITIES
    }
    graded = grade_windows(
        signals,
        {m: np.full(len(chosen), UNITS[m]) for m in MODALITIES},
        {m: np.full(len(chosen), SCALES[m], dtype=np.float32) for m in MODALITIES},
    )
    fit = {m: graded[f"{m}_grade"].is_in(["good", "fair"]).to_numpy() for m in MODALITIES}
    hr = graded["hr_ecg"].fill_null(graded["hr_ppg"]).cast(pl.Float32).to_numpy(writable=True)
    groups = chosen["group"].to_numpy().astype(np.str_)
    return Windows(signals, fit, groups, hr, np.zeros(len(chosen), dtype=np.int64))


def batch_of(
    windows: Windows, task: Task, target: Modality, conditions: tuple[Modality, ...], x: F32
) -> RestoreBatch:
    """Ask for ``target``, whose signal is now ``x``."""
    n = len(windows)
    absent = np.full_like(x, np.nan)
    signals = {m: windows.signals[m] if m in conditions else absent for m in MODALITIES}
    grades: dict[Modality, list[Grade]] = {
        m: ["good" if m in conditions else "bad" if m == target else "absent"] * n
        for m in MODALITIES
    }
    return RestoreBatch(
        task=task,
        target=target,
        conditions=conditions,
        signals=signals | {target: x},
        grades=grades,
        hr=windows.hr,
        seeds=windows.seeds,
        usual=dict.fromkeys(MODALITIES, np.full((n, 2), np.nan, dtype=np.float32)),
        units={m: [UNITS[m]] * n for m in MODALITIES},
    )


def random_gaps(x: F32, rng: np.random.Generator) -> F32:
    """Cut 1 to 12 gaps into each window, 2 to 60 % of it in all."""
    holed = x.copy()
    for row in holed:
        share = rng.uniform(0.02, 0.6)
        pieces = rng.integers(1, 13) if rng.random() < 0.5 else 1
        length = max(1, round(share * WINDOW_SAMPLES / pieces))
        for start in rng.integers(0, WINDOW_SAMPLES - length + 1, pieces):
            row[start : start + length] = np.nan
    return holed


def with_noise(x: F32, snr_db: float | NDArray[np.float64], rng: np.random.Generator) -> F32:
    """Add noise of a given ratio of signal variance to noise power.

    A random mix, window by window, of white noise, wander (0.1-1 Hz) and movement (1-10 Hz), the
    last within a random part of the window.
    """
    n, t = x.shape
    mix = rng.dirichlet(np.ones(3), n)[:, :, None]
    white, wander, movement = rng.standard_normal((3, n, t))
    wander, movement = band(wander, 0.1, 1.0), band(movement, 1.0, 10.0)
    middle, width = rng.uniform(0, t, (n, 1)), rng.uniform(0.15 * t, t, (n, 1))
    movement = movement * (np.abs(np.arange(t) - middle) < width)
    parts = np.stack([white, wander, movement], axis=1)
    power = np.maximum((parts**2).mean(axis=2, keepdims=True), 1e-12)
    noise = (np.sqrt(mix / power) * parts).sum(axis=1)
    noise /= np.sqrt((noise**2).mean(axis=1, keepdims=True))
    sigma = x.std(axis=1) * 10 ** (-np.asarray(snr_db) / 20)
    return np.asarray(x + sigma[:, None] * noise, dtype=np.float32)
