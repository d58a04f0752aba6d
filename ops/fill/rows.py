"""A shard of windows through a restorer into rows of the ``backfill`` table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.encode import encode
from ops.fill.plan import FillShard, spec_sha256, window_seed
from ops.fill.signals import beside, physical, stored_counts, usual_ranges
from ops.grade import grade_windows
from ops.window_rows import signal_list
from schemas.backfill import Backfill
from schemas.grid import MISSING, WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNCALIBRATED, UNITS, Modality
from schemas.restoration import F32, Interval, RestoreBatch, Restored, Restorer, Task

_GROUP = ["task", "modality", "conditions"]
_STEPS: dict[Modality, float] = {"ecg": 0.008, "ppg": 0.004, "abp": 0.2}
"""Fineness of a synthetic signal, in its unit, as ``encode`` takes it (a quarter is stored)."""


def fill_rows(
    shard: FillShard, windows: pl.DataFrame, restorer: Restorer, *, seed: int, run_id: str
) -> pl.DataFrame:
    """Restore what a shard wants; give its rows by the ``Backfill`` schema.

    What the restorer was not made for, or abstains from, is a row without samples, so that it is
    not tried every night; so is a denoised pressure that would be graded bad again. A window that
    is gone, or has changed since the shard was cut, has none.
    """
    inputs = shard.wants.join(windows, on=["window_index", "input_sha256"], maintain_order="left")
    parts = [
        _rows(shard, alike, windows, restorer, seed, run_id)
        for alike in inputs.partition_by(_GROUP, maintain_order=True)
    ]
    return pl.concat([Backfill.create_empty(), *parts])


def _rows(
    shard: FillShard,
    inputs: pl.DataFrame,
    windows: pl.DataFrame,
    restorer: Restorer,
    seed: int,
    run_id: str,
) -> pl.DataFrame:
    batch = _batch(shard, inputs, windows, seed)
    restored = (
        _believed(batch, restorer.restore(batch))
        if restorer.can(batch.task, batch.target)
        else _abstained(len(batch.seeds))
    )
    return Backfill.cast(
        inputs.select(
            pl.lit(shard.dataset).alias("dataset"),
            pl.lit(shard.record_id).alias("record_id"),
            "window_index",
            "modality",
            "task",
            "conditions",
            "input_sha256",
            pl.lit(restorer.model_id).alias("model_id"),
            pl.lit(shard.subject_id).alias("subject_id"),
            (pl.col("window_index") * WINDOW_S).alias("start_s"),
            pl.lit(restorer.n_samples).alias("n_samples"),
            pl.lit(restorer.model_sha256).alias("model_sha256"),
            pl.lit(restorer.sampler).alias("sampler"),
            pl.lit(restorer.steps).alias("steps"),
            pl.lit(spec_sha256(restorer, seed)).alias("spec_sha256"),
            pl.lit(value=True).alias("synthetic"),
            pl.lit(run_id).alias("run_id"),
            pl.lit(datetime.now(UTC)).alias("created_at"),
            pl.Series("seed", batch.seeds),
            pl.Series("grade", np.where(_spoken(restored), restored.grade, "absent")),
            *_pressures(restored, _spoken(restored)),
            *_signals(batch, inputs, restored),
        ).select(Backfill.column_names())
    )


def _batch(
    shard: FillShard, inputs: pl.DataFrame, windows: pl.DataFrame, seed: int
) -> RestoreBatch:
    task: Task = inputs["task"][0]
    target: Modality = inputs["modality"][0]
    conditions: list[Modality] = inputs["conditions"][0].to_list()
    seeds = [
        window_seed(shard.dataset, shard.record_id, index, target, seed)
        for index in inputs["window_index"]
    ]
    rate = pl.coalesce(*(f"hr_{m}" for m in [*conditions, target]), pl.lit(np.nan))
    return RestoreBatch(
        task=task,
        target=target,
        conditions=tuple(conditions),
        signals={m: physical(inputs, m) for m in MODALITIES},
        grades={m: inputs[f"{m}_grade"].to_list() for m in MODALITIES},
        hr=inputs.select(rate.alias("hr").cast(pl.Float32))["hr"].to_numpy(),
        seeds=np.array(seeds, dtype=np.int64),
        usual={m: usual_ranges(windows, inputs, m) for m in MODALITIES},
        units={m: inputs[f"{m}_unit"].to_list() for m in MODALITIES},
        before={m: beside(windows, inputs, m, -1) for m in MODALITIES},
        after={m: beside(windows, inputs, m, 1) for m in MODALITIES},
    )


def _signals(batch: RestoreBatch, inputs: pl.DataFrame, restored: Restored) -> Iterator[pl.Series]:
    """Encode mean and band by one scale: the window's own where it has one, so samples stay."""
    m = batch.target
    present = _spoken(restored)
    scale, zero = _scales(batch, inputs, restored)
    measured = stored_counts(inputs[m]) if batch.task == "impute" else None
    for name, values in (
        ("samples", restored.mean),
        ("lower", restored.lower),
        ("upper", restored.upper),
    ):
        counts = _counts(values, scale, zero)
        if measured is not None:
            counts = np.where(measured != MISSING, measured, counts)
        yield signal_list(counts, present).alias(name)
    yield pl.Series("scale", np.where(present, scale, np.nan), dtype=pl.Float32).fill_nan(None)
    yield pl.Series("zero", np.where(present, zero, np.nan), dtype=pl.Float32).fill_nan(None)
    new_unit = UNITS[m] if m == "abp" else UNCALIBRATED
    unit = pl.repeat(new_unit, len(inputs), eager=True)
    if batch.task != "translate":
        unit = inputs[f"{m}_unit"].fill_null(new_unit)
    yield pl.select(pl.when(pl.Series(present)).then(unit).alias("unit")).to_series()


def _scales(batch: RestoreBatch, inputs: pl.DataFrame, restored: Restored) -> tuple[F32, F32]:
    """An imputed signal takes its window's own scale, any other one that its band needs."""
    m = batch.target
    if batch.task == "impute":
        return (
            inputs[f"{m}_scale"].fill_null(np.nan).to_numpy(),
            inputs[f"{m}_zero"].fill_null(np.nan).to_numpy(),
        )
    n = len(inputs)
    fresh = encode(
        np.concatenate([restored.lower, restored.upper, restored.mean], axis=1),
        np.full(n, _STEPS[m], np.float32),
        np.zeros(n, np.bool_),
    )
    return fresh.scale, fresh.zero


def _believed(batch: RestoreBatch, restored: Restored) -> Restored:
    """Abstain where a denoised pressure would be graded bad again, as that of an unzeroed line."""
    if (batch.task, batch.target) != ("denoise", "abp"):
        return restored
    n = len(batch.seeds)
    nothing = np.full((n, WINDOW_SAMPLES), np.nan, np.float32)
    grades = grade_windows(
        {"ecg": nothing, "ppg": nothing, "abp": restored.mean},
        {m: [UNITS[m]] * n for m in MODALITIES},
        dict.fromkeys(MODALITIES, np.full(n, np.nan, np.float32)),
    )
    fit = grades["abp_grade"].is_in(["good", "fair"]).to_numpy()
    return replace(restored, mean=np.where(fit[:, None], restored.mean, np.float32(np.nan)))


def _spoken(restored: Restored) -> NDArray[np.bool_]:
    """Say of which windows there is a whole signal with a whole band: (n,)."""
    parts = np.stack([restored.mean, restored.lower, restored.upper])
    return np.asarray(np.isfinite(parts).all(axis=(0, 2)))


def _counts(values: F32, scale: F32, zero: F32) -> NDArray[np.int16]:
    """Encode by a given scale; what lies beyond its headroom is held at the rail."""
    known = np.where(np.isfinite(values), values, np.float32(0))
    counts = np.rint((known - np.nan_to_num(zero)[:, None]) / scale[:, None])
    return np.asarray(np.nan_to_num(np.clip(counts, -32_767, 32_767)), dtype=np.int16)


def _pressures(restored: Restored, present: NDArray[np.bool_]) -> Iterator[pl.Series]:
    """Give each pressure with its interval, null where it or the signal is not told."""
    nothing = np.full(len(present), np.nan, np.float32)
    for name in ("sbp", "dbp", "map"):
        told = restored.pressures.get(name, Interval(nothing, nothing, nothing))
        parts = {"": told.value, "_lower": told.lower, "_upper": told.upper}
        whole = present & np.isfinite(np.stack(list(parts.values()))).all(axis=0)
        for suffix, values in parts.items():
            kept = np.where(whole, values, nothing)
            yield pl.Series(f"{name}{suffix}", kept, dtype=pl.Float32).fill_nan(None)


def _abstained(n: int) -> Restored:
    nothing = np.full((n, WINDOW_SAMPLES), np.nan, np.float32)
    return Restored(nothing, nothing, nothing, {}, ["absent"] * n)
