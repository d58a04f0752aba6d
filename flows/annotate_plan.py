"""What an annotation has to do, planned for a group of records at a time."""

from dataclasses import dataclass

import polars as pl

from flows.annotate_config import AnnotateConfig
from flows.annotators import make_annotator
from flows.record_groups import RecordGroup
from flows.shards import waiting
from flows.withdrawn import refuse_withdrawn
from ops.annotate.given import with_given
from ops.annotate.plan import MADE_FROM, AnnotateShard, shards, spec_sha256
from ops.fill.plan import missing_rows, stale_rows, whole_windows
from ops.lake import Lake
from schemas.tables import TABLES


@dataclass(frozen=True)
class AnnotatePlan:
    """What is to be done for a group.

    ``stale`` are the keys of annotations whose window is gone, has changed, or has another pressure
    now; ``over`` those of quarantine's rows that hold no shard of now back.
    """

    shards: list[AnnotateShard]
    stale: pl.DataFrame
    over: pl.DataFrame


@dataclass(frozen=True)
class Annotating:
    """What is to annotate: its name, and the hash of how."""

    model_id: str
    spec: str


def annotating(lake: Lake, config: AnnotateConfig) -> Annotating:
    """Say what is to annotate and how.

    Raises:
        OSError: where the checkpoint can't be read.
        ValueError: where the checkpoint is not one, or the model was withdrawn from the lake.
    """
    annotator = make_annotator(config)
    refuse_withdrawn(lake, annotator.model_id, verb="annotate")
    return Annotating(annotator.model_id, spec_sha256(annotator))


def plan_group(lake: Lake, group: RecordGroup, by: Annotating) -> AnnotatePlan:
    """Cut windows that are not annotated into shards, less those that quarantine holds back."""
    there = group.of(lake.scan("annotations"))
    whole = whole_windows(group.of(lake.scan("windows")), group.of(lake.scan("records")))
    wanted = with_given(whole, group.of(lake.scan("backfill"))).lazy()
    missing = missing_rows(wanted, there, by.spec, MADE_FROM).collect()
    quarantined = group.of(lake.scan("quarantine")).filter(pl.col("step") == "annotate")
    free, over = waiting(shards(missing), by.spec, quarantined)
    stale = stale_rows(wanted, there, TABLES["annotations"].key).collect()
    return AnnotatePlan(shards=free, stale=stale, over=over)
