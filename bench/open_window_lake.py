"""A lake of simulated windows, made by its own writer and compaction, for a benchmark to read."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from infra.demo import artefacts
from infra.demo.bedside import Case, recorded, write_motion
from infra.demo.simulate import draw_patient
from ops.lake import Lake
from ops.lake.compact import compact
from ops.window_block import WindowBlock
from ops.window_rows import window_rows
from schemas.grid import GRID_FS, SHARD_WINDOWS, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality

F32 = NDArray[np.float32]

DATASET: Final = "ward"
DISTINCT: Final = 8
"""Patients that are simulated; their rows come again as those of other records."""

STEPS: Final[dict[Modality, float]] = {"ecg": 1 / 200, "ppg": 1 / 4096, "abp": 1 / 16}
"""Of a usual monitor, in stored units."""


def record_name(i: int) -> str:
    """Name the i-th record of the lake."""
    return f"p{i % DISTINCT:02d}/s{i:04d}"


def build_lake(url: str, records: int, windows: int) -> Lake:
    """Make a lake of ``records`` records of ``windows`` windows each, and compact it."""
    lake = Lake(url)
    patients = [_shards_of(seed, windows) for seed in range(min(DISTINCT, records))]
    files = []
    for i in range(records):
        name = pl.lit(record_name(i))
        with lake.writer("windows", {"dataset": DATASET}) as file:
            for rows in patients[i % DISTINCT]:
                file.write(rows.with_columns(record_id=name, subject_id=name))
        files += file.finished()
    lake.commit("windows", files)
    compact(lake.location, "windows")
    return lake


def data_files(lake: Lake) -> list[Path]:
    """List the files that hold the windows now; what compaction left behind is not among them."""
    delta = lake.open("windows")
    return [] if delta is None else sorted(Path(uri) for uri in delta.file_uris())


def _shards_of(seed: int, windows: int) -> list[pl.DataFrame]:
    """Simulate a patient's windows and grade them, a shard at a time as a night does."""
    signals = _bedside(seed, windows)
    return [
        window_rows(
            _block(signals, first, min(first + SHARD_WINDOWS, windows)),
            dataset=DATASET,
            record_id="",
            subject_id="",
            start_time=None,
            run_id="bench",
        )
        for first in range(0, windows, SHARD_WINDOWS)
    ]


def _bedside(seed: int, windows: int) -> dict[Modality, F32]:
    """Signals of (windows, T): a third of the PPG moves, the line is damped, then taken out."""
    seconds = windows * WINDOW_S
    fs, rng = float(GRID_FS), np.random.default_rng([seed, 0x0DE])
    case = Case(draw_patient(f"p{seed:02d}", seed), "", "", write_motion)
    strip = recorded(case, seconds, fs)
    moved = artefacts.ppg_motion(strip.ppg, fs, rng)
    damped = artefacts.damped(strip.abp, fs)
    abp = artefacts.within(strip.abp, damped, fs, 0.5 * seconds, 0.2 * seconds)
    whole: dict[Modality, F32] = {
        "ecg": strip.ecg,
        "ppg": artefacts.within(strip.ppg, moved, fs, 0.3 * seconds, seconds / 3),
        "abp": artefacts.lost(abp, fs, 0.8 * seconds, 0.2 * seconds),
    }
    return {
        m: (np.rint(x / STEPS[m]) * STEPS[m]).astype(np.float32).reshape(-1, WINDOW_SAMPLES)
        for m, x in whole.items()
    }


def _block(signals: dict[Modality, F32], first: int, stop: int) -> WindowBlock:
    cut = {m: x[first:stop] for m, x in signals.items()}
    there = {m: np.asarray(np.isfinite(x).any(axis=1)) for m, x in cut.items()}
    return WindowBlock(
        window_index=np.arange(first, stop, dtype=np.int32),
        signals=cut,
        steps={m: np.where(there[m], STEPS[m], np.nan).astype(np.float32) for m in MODALITIES},
        units={m: [UNITS[m] if here else None for here in there[m]] for m in MODALITIES},
        leads={m: [m.upper() if here else None for here in there[m]] for m in MODALITIES},
        exact=there,
    )
