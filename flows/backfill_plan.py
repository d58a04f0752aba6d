"""What a backfill has to do, planned for a group of records at a time."""

from dataclasses import dataclass

import polars as pl

from flows.config import BackfillConfig
from flows.record_groups import RecordGroup
from flows.restorers import make_restorer
from flows.shards import waiting
from flows.withdrawn import refuse_withdrawn
from ops.fill.plan import FillShard, missing_rows, shards, spec_sha256, stale_rows, whole_windows
from ops.fill.rules import wanted
from ops.lake import Lake
from ops.reference.readings import no_readings, readings, with_references
from schemas.restoration import Trained


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


def plan_group(lake: Lake, config: BackfillConfig, group: RecordGroup, by: Filling) -> FillPlan:
    """Cut what is wanted and not there into shards, less those that quarantine holds back."""
    windows, there = group.of(lake.scan("windows")), group.of(lake.scan("backfill"))
    whole = whole_windows(windows, group.of(lake.scan("records")))
    wants = wanted(whole, translate=config.translate, restore=config.restore).collect()
    read = readings(whole, group.of(lake.scan("numerics"))) if by.calibrates else no_readings()
    wants = with_references(wants, read, config.reference_max_age_s)
    missing = missing_rows(wants.lazy(), there, by.spec).collect()
    quarantined = group.of(lake.scan("quarantine")).filter(pl.col("step") == "backfill")
    free, over = waiting(shards(missing), by.spec, quarantined)
    return FillPlan(shards=free, stale=stale_rows(windows, there).collect(), over=over)
