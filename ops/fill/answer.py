"""What a restorer says of the windows that a shard wants, and where it says nothing, why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.fill.moments import cuff_of, whole_moments
from ops.fill.plan import FillShard, window_seed
from ops.fill.signals import beside, physical, usual_ranges
from ops.fill.silence import silence
from ops.grade import grade_windows
from ops.reference.readings import MOST_AGE_S
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import RestoreBatch, Restored, Restorer, Task

_GROUP: Final = ["task", "modality", "conditions", "why"]


@dataclass(frozen=True)
class Terms:
    """By what a shard is filled.

    Attributes:
        seed: of the run.
        run_id: of the run.
        most_age_s: age in s from which on a reading is too old to go by.
    """

    seed: int
    run_id: str
    most_age_s: float = MOST_AGE_S


@dataclass(frozen=True)
class Seen:
    """Rows of ``windows`` that a shard is made from.

    Attributes:
        windows: of the shard and beside it.
        moments: those that show readings.
    """

    windows: pl.DataFrame
    moments: pl.DataFrame


@dataclass(frozen=True)
class Answer:
    """What is said of n windows that ask for the same, and of those without answer why."""

    batch: RestoreBatch
    restored: Restored
    why: list[str | None]


def answers(
    shard: FillShard, seen: Seen, restorer: Restorer, terms: Terms
) -> Iterator[tuple[pl.DataFrame, Answer]]:
    """Ask a restorer for what a shard wants, some windows at a time that ask for the same."""
    there = shard.wants.join(
        seen.windows, on=["window_index", "input_sha256"], maintain_order="left"
    )
    inputs = whole_moments(there, seen.moments).with_columns(
        silence(restorer.trained, terms.most_age_s).alias("why")
    )
    for alike in inputs.partition_by(_GROUP, maintain_order=True):
        yield alike, _answer(shard, alike, seen, restorer, terms)


def _answer(
    shard: FillShard, inputs: pl.DataFrame, seen: Seen, restorer: Restorer, terms: Terms
) -> Answer:
    batch, n = _batch(shard, inputs, seen, terms.seed), inputs.height
    why: str | None = inputs["why"][0]
    if why is None and not restorer.can(batch.task, batch.target):
        why = "not_made_for"
    if why is not None:
        return Answer(batch, _abstained(n), [why] * n)
    made = restorer.restore(batch)
    believed = _believed(batch, made)
    silent = np.where(spoken(made), "still_bad", "silent")
    reasons = [None if told else str(s) for told, s in zip(spoken(believed), silent, strict=True)]
    return Answer(batch, believed, reasons)


def _batch(shard: FillShard, inputs: pl.DataFrame, seen: Seen, seed: int) -> RestoreBatch:
    windows = seen.windows
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
        cuff=cuff_of(inputs, seen.moments),
    )


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


def spoken(restored: Restored) -> NDArray[np.bool_]:
    """Say of which windows there is a whole signal with a whole band: (n,)."""
    parts = np.stack([restored.mean, restored.lower, restored.upper])
    return np.asarray(np.isfinite(parts).all(axis=(0, 2)))


def _abstained(n: int) -> Restored:
    nothing = np.full((n, WINDOW_SAMPLES), np.nan, np.float32)
    return Restored(nothing, nothing, nothing, {}, ["absent"] * n)
