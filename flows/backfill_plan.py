"""What a backfill has to do, planned for a group of records at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from flows.config import BackfillConfig
from flows.restorers import make_restorer
from flows.shards import held_back
from flows.withdrawn import refuse_withdrawn
from ops.fill.plan import FillShard, missing_rows, shards, spec_sha256, stale_rows, whole_windows
from ops.fill.rules import wanted
from ops.lake import Lake
from ops.reference.readings import no_readings, readings, with_references
from schemas.restoration import Trained

GROUP_WINDOWS: Final = 100_000
"""Windows planned at once: they bound the memory of planning, however large the lake is."""


@dataclass(frozen=True)
class RecordGroup:
    """Neighbours by id among the records of a dataset: those in ``(after, upto]``.

    Null bounds leave an end open, so that groups also cover what no record is there for.
    """

    dataset: str
    after: str | None
    upto: str | None
    n_windows: int

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows of these records."""
        bounds = [pl.col("dataset") == self.dataset]
        if self.after is not None:
            bounds.append(pl.col("record_id") > self.after)
        if self.upto is not None:
            bounds.append(pl.col("record_id") <= self.upto)
        return rows.filter(*bounds)


@dataclass(frozen=True)
class FillPlan:
    """What is to be done for a group.

    ``stale`` are the keys of synthetic rows whose window is gone or has changed, ``over`` those of
    quarantine's rows that hold no shard of now back.
    """

    shards: list[FillShard]
    stale: pl.DataFrame
    over: pl.DataFrame


@dataclass(frozen=True)
class Filling:
    """What is to fill: its name, the hash of how, and what it was trained on.

    ``calibrates`` says whether the pressures that it makes go by readings.
    """

    model_id: str
    spec: str
    calibrates: bool
    trained: Trained


def filling(lake: Lake, config: BackfillConfig) -> Filling:
    """Say what is to fill and how.

    Raises:
        OSError: where the checkpoint can't be read.
        ValueError: where the checkpoint is not one, or the model was withdrawn from the lake.
    """
    restorer = make_restorer(config)
    refuse_withdrawn(lake, restorer.model_id)
    return Filling(
        model_id=restorer.model_id,
        spec=spec_sha256(restorer, config.seed, config.reference_max_age_s),
        calibrates=restorer.calibrates,
        trained=restorer.trained,
    )


def record_groups(lake: Lake, dataset: str) -> Iterator[RecordGroup]:
    """Group a dataset's records, or those of all datasets, by id."""
    records = lake.scan("records", dataset).select("dataset", "record_id", "n_windows")
    ordered = records.sort("dataset", "record_id").collect()
    for of_dataset in ordered.partition_by("dataset", maintain_order=True):
        number = pl.col("n_windows").cum_sum() // GROUP_WINDOWS
        parts = of_dataset.with_columns(number=number).partition_by("number", maintain_order=True)
        ends = [None, *(part["record_id"][-1] for part in parts[:-1]), None]
        for part, after, upto in zip(parts, ends, ends[1:], strict=False):
            yield RecordGroup(part["dataset"][0], after, upto, int(part["n_windows"].sum()))


def plan_group(lake: Lake, config: BackfillConfig, group: RecordGroup, by: Filling) -> FillPlan:
    """Cut what is wanted and not there into shards, less those that quarantine holds back."""
    windows, there = group.of(lake.scan("windows")), group.of(lake.scan("backfill"))
    whole = whole_windows(windows, group.of(lake.scan("records")))
    wants = wanted(whole, translate=config.translate, restore=config.restore).collect()
    read = readings(whole, group.of(lake.scan("numerics"))) if by.calibrates else no_readings()
    wants = with_references(wants, read, config.reference_max_age_s)
    cut = {
        (shard.dataset, shard.path, shard.fingerprint(by.spec)): shard
        for shard in shards(missing_rows(wants.lazy(), there, by.spec).collect())
    }
    quarantined = group.of(lake.scan("quarantine")).filter(pl.col("step") == "backfill")
    held, over = held_back(cut, quarantined)
    return FillPlan(
        shards=[shard for key, shard in cut.items() if key not in held],
        stale=stale_rows(windows, there).collect(),
        over=over,
    )
