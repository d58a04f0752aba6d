"""What a backfill has to do: what is wanted less what is there, cut into shards."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import polars as pl

from ops.fill.rules import KEY, RULES_VERSION
from ops.reference.choose import SCHEMA as READ_BY
from ops.shard import Shard, parts_of
from schemas.grid import GRID_FS, SHARD_WINDOWS, WINDOW_S
from schemas.restoration import Restorer

ASKED: Final = ["window_index", "modality", "task", "conditions", "input_sha256", *READ_BY]
"""Columns of what a shard wants."""

NEAR_WINDOWS: Final = 64
"""Half a row group of the table ``windows``."""


class FillShard(Shard):
    """At most 256 windows of one record to fill.

    ``wants`` has a row a window and target: ``window_index``, ``modality``, ``task``,
    ``conditions``, ``input_sha256``, and the columns of ``ops.reference.choose.SCHEMA``.
    """

    MADE_FROM = ("modality", "task", "input_sha256", "reference_sha256")

    @property
    def spans(self) -> list[tuple[int, int]]:
        """All of the blocks that it touches, and the window on either side of them.

        A restorer may look at the edges of those.
        """
        first = self.first // SHARD_WINDOWS * SHARD_WINDOWS
        last = self.last // SHARD_WINDOWS * SHARD_WINDOWS + SHARD_WINDOWS - 1
        return [(first - 1, last + 1)]


def spec_sha256(restorer: Restorer, seed: int, most_age_s: float) -> str:
    """Hash all that decides a result beside its input: rules, model, sampler and seed.

    ``most_age_s`` is the age in s from which on a reading is too old to go by.
    """
    parts = (
        RULES_VERSION,
        restorer.model_id,
        restorer.model_sha256,
        restorer.sampler,
        str(restorer.steps),
        str(restorer.n_samples),
        str(seed),
        str(float(most_age_s)),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def window_seed(dataset: str, record_id: str, window_index: int, modality: str, seed: int) -> int:
    """Derive a window's seed from its key and the run's: a non-negative Int64."""
    key = f"{dataset}\n{record_id}\n{window_index}\n{modality}\n{seed}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def whole_windows(windows: pl.LazyFrame, records: pl.LazyFrame) -> pl.LazyFrame:
    """Keep windows that end within their record, of records that are in.

    The rest of the last window is padding and no gap: nothing was there to be missed.
    """
    ends = records.select("dataset", "record_id", "duration_s")
    inside = pl.col("start_s") + WINDOW_S <= pl.col("duration_s") + 1 / GRID_FS
    return windows.join(ends, on=["dataset", "record_id"]).filter(inside).drop("duration_s")


def missing_rows(
    wanted: pl.LazyFrame,
    there: pl.LazyFrame,
    spec: str,
    made_from: Sequence[str] = (*KEY, "input_sha256", "reference_sha256"),
) -> pl.LazyFrame:
    """Keep what is wanted and not there, by key, input, reading and spec."""
    have = there.filter(pl.col("spec_sha256") == spec).select(made_from)
    return wanted.join(have, on=made_from, how="anti", nulls_equal=True)


def stale_rows(
    windows: pl.LazyFrame, there: pl.LazyFrame, key: Sequence[str] = KEY
) -> pl.LazyFrame:
    """List keys of rows whose window is gone or is no longer what they were made from."""
    now = windows.select("dataset", "record_id", "window_index", "input_sha256")
    return there.join(now, on=now.collect_schema().names(), how="anti").select(key)


def spans_of(indexes: Iterable[int], beside: int = 0) -> list[tuple[int, int]]:
    """Give stretches of windows that hold all of some, and so many on either side of each.

    What lies near each other is one stretch, since a row group of the table is likely to hold both.
    """
    spans: list[tuple[int, int]] = []
    for index in sorted(set(indexes)):
        first, last = index - beside, index + beside
        if spans and first - spans[-1][1] <= NEAR_WINDOWS:
            first = spans.pop()[0]
        spans.append((first, last))
    return spans


def shards(missing: pl.DataFrame) -> Iterator[FillShard]:
    """Cut what is missing into shards, record by record, in the order of time."""
    for part in parts_of(missing, "modality"):
        first = part.row(0, named=True)
        wants = part.select(ASKED)
        yield FillShard(first["dataset"], first["record_id"], first["subject_id"], wants)
