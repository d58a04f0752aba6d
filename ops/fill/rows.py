"""A shard of windows through a restorer into rows of the ``backfill`` table."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.encode import encode
from ops.fill.answer import Answer, Seen, Terms, answers, spoken
from ops.fill.plan import FillShard, spec_sha256
from ops.fill.signals import stored_counts
from ops.window_rows import signal_list
from schemas.backfill import Backfill
from schemas.grid import MISSING, WINDOW_S
from schemas.modality import UNCALIBRATED, UNITS, Modality
from schemas.restoration import F32, PRESSURES, Interval, RestoreBatch, Restored, Restorer

_STEPS: dict[Modality, float] = {"ecg": 0.008, "ppg": 0.004, "abp": 0.2}
"""Fineness of a synthetic signal, in its unit, as ``encode`` takes it (a quarter is stored)."""


def fill_rows(shard: FillShard, seen: Seen, restorer: Restorer, terms: Terms) -> pl.DataFrame:
    """Restore what a shard wants; give its rows by the ``Backfill`` schema.

    What has no answer is a row without samples that says why, so that it is not tried every night.
    A window that is gone, or has changed since the shard was cut, has none.
    """
    parts = [
        _rows(shard, inputs, answer, restorer, terms)
        for inputs, answer in answers(shard, seen, restorer, terms)
    ]
    return pl.concat([Backfill.create_empty(), *parts])


def _rows(
    shard: FillShard, inputs: pl.DataFrame, answer: Answer, restorer: Restorer, terms: Terms
) -> pl.DataFrame:
    batch, restored = answer.batch, answer.restored
    return Backfill.cast(
        inputs.select(
            pl.lit(shard.dataset).alias("dataset"),
            pl.lit(shard.record_id).alias("record_id"),
            "window_index",
            "modality",
            "task",
            "conditions",
            "calibration",
            "reference_age_s",
            "input_sha256",
            "reference_sha256",
            pl.lit(restorer.model_id).alias("model_id"),
            pl.lit(shard.subject_id).alias("subject_id"),
            (pl.col("window_index") * WINDOW_S).alias("start_s"),
            pl.lit(restorer.n_samples).alias("n_samples"),
            pl.lit(restorer.model_sha256).alias("model_sha256"),
            pl.lit(restorer.sampler).alias("sampler"),
            pl.lit(restorer.steps).alias("steps"),
            pl.lit(spec_sha256(restorer, terms.seed, terms.most_age_s)).alias("spec_sha256"),
            pl.lit(value=True).alias("synthetic"),
            pl.lit(terms.run_id).alias("run_id"),
            pl.lit(datetime.now(UTC)).alias("created_at"),
            pl.Series("seed", batch.seeds),
            pl.Series("abstained", answer.why, dtype=pl.String),
            pl.Series("grade", np.where(spoken(restored), restored.grade, "absent")),
            *pressure_columns(restored),
            *_signals(batch, inputs, restored),
        ).select(Backfill.column_names())
    )


def _signals(batch: RestoreBatch, inputs: pl.DataFrame, restored: Restored) -> Iterator[pl.Series]:
    """Encode mean and band by one scale: the window's own where it has one, so samples stay."""
    m = batch.target
    present = spoken(restored)
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


def _counts(values: F32, scale: F32, zero: F32) -> NDArray[np.int16]:
    """Encode by a given scale; what lies beyond its headroom is held at the rail."""
    known = np.where(np.isfinite(values), values, np.float32(0))
    counts = np.rint((known - np.nan_to_num(zero)[:, None]) / scale[:, None])
    return np.asarray(np.nan_to_num(np.clip(counts, -32_767, 32_767)), dtype=np.int16)


def pressure_columns(restored: Restored) -> Iterator[pl.Series]:
    """Give each pressure with its interval, null where it or the signal is not told."""
    present = spoken(restored)
    nothing = np.full(len(present), np.nan, np.float32)
    for name in PRESSURES:
        told = restored.pressures.get(name, Interval(nothing, nothing, nothing))
        parts = {"": told.value, "_lower": told.lower, "_upper": told.upper}
        whole = present & np.isfinite(np.stack(list(parts.values()))).all(axis=0)
        for suffix, values in parts.items():
            kept = np.where(whole, values, nothing)
            yield pl.Series(f"{name}{suffix}", kept, dtype=pl.Float32).fill_nan(None)
