"""What the classical restorers reach on the test groups: error, band, coverage, speed."""

import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.restore_cases import batch_of, random_gaps, with_noise
from bench.restore_residuals import normal_scale
from ops.judge.spoil import one_gap
from ops.judge.windows import Windows, others_of
from ops.restore import ClassicalRestorer
from ops.restore.estimate import robust_range
from ops.restored import read_pressures
from schemas.modality import MODALITIES, Modality
from schemas.restoration import RestoreBatch, Restored, Task

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GAPS: Final = {"gap 40 ms": 5, "gap 80 ms": 10, "gap 30 %": 150, "gap 60 %": 300}
CASES: Final[dict[Task, tuple[str, ...]]] = {
    "impute": (*GAPS, "random gaps"),
    "denoise": ("12 dB", "6 dB", "0 dB", "-6 dB"),
    "translate": ("absent",),
}
_HEAD: Final = (
    f"{'task':10}{'target':7}{'given':9}{'case':13}{'n':>5}{'rmse':>8}{'median':>8}{'cover':>8}"
    f"{'width':>8}{'/s':>7}  pressures: MAE in mmHg, coverage"
)


def judge(windows: Windows) -> dict[str, Any]:
    """Judge every task and modality, with the other modalities to condition on and without.

    Speed is in windows a second of processor time.
    """
    rng = np.random.default_rng(7)
    restorer = ClassicalRestorer()
    rows = [
        _row(restorer, windows, task, target, given, case, rng)
        for task, names in CASES.items()
        for target in MODALITIES
        for given in (True, False)
        for case in names
    ]
    return {"model_sha256": restorer.model_sha256, "test": rows}


def _row(
    restorer: ClassicalRestorer,
    windows: Windows,
    task: Task,
    target: Modality,
    given: bool,
    case: str,
    rng: np.random.Generator,
) -> dict[str, Any]:
    conditions = others_of(target) if given else ()
    kept = windows.fit_for(target, *conditions)
    truth = kept.signals[target]
    batch = batch_of(kept, task, target, conditions, _spoiled(truth, task, case, rng))
    start = time.process_time()
    restored = restorer.restore(batch)
    seconds = time.process_time() - start
    if task == "translate":
        truth = normal_scale(truth.astype(np.float64), target).astype(np.float32)
    return {
        "task": task,
        "target": target,
        "conditions": list(conditions),
        "case": case,
        "windows": len(kept),
        "windows_a_second": round(len(kept) / seconds),
        **_signal_figures(batch, restored, truth),
        **(_pressure_figures(restored, truth) if target == "abp" else {}),
        "grades": {g: restored.grade.count(g) for g in ("fair", "bad", "absent")},
    }


def _spoiled(truth: F32, task: Task, case: str, rng: np.random.Generator) -> F32:
    if task == "denoise":
        return with_noise(truth, float(case.split()[0]), rng)
    if task == "translate":
        return np.full_like(truth, np.nan)
    return one_gap(truth, GAPS[case], rng) if case in GAPS else random_gaps(truth, rng)


def _signal_figures(batch: RestoreBatch, restored: Restored, truth: F32) -> dict[str, float]:
    """Errors and widths over samples that were made, relative to the window's range."""
    x = batch.signals[batch.target]
    made = np.isnan(x) if batch.task == "impute" else np.ones(x.shape, dtype=np.bool_)
    told = made & np.isfinite(restored.mean) & np.isfinite(truth)
    scale = robust_range(truth.astype(np.float64))[:, None]
    error = np.where(told, (restored.mean - truth) / scale, 0.0)
    n = told.sum(axis=1)
    rms = np.sqrt((error**2).sum(axis=1)[n > 0] / n[n > 0])
    inside = (restored.lower <= truth) & (truth <= restored.upper)
    width = ((restored.upper - restored.lower) / scale)[told]
    return {
        "rmse_pooled": round(float(np.sqrt((error[told] ** 2).mean())), 4),
        "rmse_median": round(float(np.median(rms)), 4),
        "coverage": round(float(inside[told].mean()), 4),
        "width": round(float(width.mean()), 4),
    }


def _pressure_figures(restored: Restored, truth: F32) -> dict[str, dict[str, float]]:
    true = read_pressures(truth, np.ones(len(truth), dtype=np.bool_))
    figures = {}
    for name, interval in restored.pressures.items():
        told = np.isfinite(interval.value) & np.isfinite(true[name])
        error = (interval.value - true[name])[told]
        inside = (interval.lower <= true[name]) & (true[name] <= interval.upper)
        figures[name] = {
            "mae": round(float(np.abs(error).mean()), 2),
            "coverage": round(float(inside[told].mean()), 4),
            "width": round(float((interval.upper - interval.lower)[told].mean()), 1),
        }
    return figures


def table_of(results: dict[str, Any]) -> str:
    """Lay the figures out as a table to read."""
    lines = [_HEAD]
    for row in results["test"]:
        pressures = "  ".join(
            f"{name} {row[name]['mae']:.1f} {row[name]['coverage']:.2f}"
            for name in ("sbp", "dbp", "map")
            if name in row
        )
        given = "+".join(row["conditions"]) or "-"
        lines.append(
            f"{row['task']:10}{row['target']:7}{given:9}{row['case']:13}{row['windows']:5}"
            f"{row['rmse_pooled']:8.3f}{row['rmse_median']:8.3f}{row['coverage']:8.3f}"
            f"{row['width']:8.3f}{row['windows_a_second']:7}  {pressures}"
        )
    return "\n".join(lines)
