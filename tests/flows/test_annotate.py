import os

import polars as pl
import pytest

from flows.annotate import annotate
from flows.annotate_config import AnnotateConfig, annotation_of
from flows.backfill import backfill
from flows.config import BackfillConfig, IngestConfig, NightlyConfig
from flows.ingest import ingest
from flows.nightly import nightly
from flows.upkeep_config import WithdrawConfig
from flows.withdraw import withdraw
from ops.annotate.given import WINDOW
from ops.lake import Lake
from ops.strip.rules import RulesAnnotator
from schemas.template import Annotation, parse_annotation


def said(lake_url: str) -> pl.DataFrame:
    rows = Lake(lake_url).scan("annotations").drop("run_id", "created_at")
    return rows.sort(WINDOW).collect()


def version(lake_url: str) -> int:
    return Lake(lake_url).open("annotations").version()


def test_every_whole_window_is_annotated_once(annotated_night) -> None:
    config, summary = annotated_night
    lake = Lake(config.lake)
    ends = lake.scan("records").select("record_id", "duration_s")
    windows = lake.scan("windows").join(ends, on="record_id")
    whole = windows.filter(pl.col("start_s") + 4 <= pl.col("duration_s") + 0.01).collect()
    rows = said(config.lake)

    assert rows.select(WINDOW).rows() == whole.sort(WINDOW).select(WINDOW).rows()
    assert sum(summary.annotated.values()) == rows.height > 0
    assert summary.sentences()[0] == f"{rows.height} windows annotated."
    assert all(isinstance(parse_annotation(text), Annotation) for text in rows["annotation"])


def test_a_second_run_changes_nothing(annotating) -> None:
    before = version(annotating.lake)
    summary = annotate(annotating)

    assert (summary.shards, summary.rows_changed, summary.annotated) == (0, 0, {})
    assert version(annotating.lake) == before


def test_a_pressure_says_whether_it_was_measured_or_imputed(annotated_night) -> None:
    rows = said(annotated_night[0].lake)
    lake = Lake(annotated_night[0].lake)
    measured = lake.scan("windows").filter(pl.col("sbp").is_not_null()).select(WINDOW).collect()
    made = lake.scan("backfill").filter(pl.col("sbp").is_not_null()).select(WINDOW).collect()
    of_source = {s: rows.filter(pressure_source=s).select(WINDOW) for s in ("measured", "imputed")}

    assert of_source["imputed"].height > 0
    assert of_source["imputed"].join(made, on=WINDOW, how="anti").is_empty()
    assert of_source["imputed"].join(measured, on=WINDOW, how="semi").is_empty()
    assert of_source["measured"].join(measured, on=WINDOW, how="anti").is_empty()


def test_actors_annotate_as_one_process_does(first_night, annotated_night, config) -> None:
    summary = annotate(AnnotateConfig(lake=config.lake, workers=1, annotator="rules"))

    assert said(config.lake).equals(said(annotated_night[0].lake))
    assert summary.devices > 0


def test_annotations_go_with_the_windows_of_a_changed_record_and_come_again(
    annotating, ward
) -> None:
    before = said(annotating.lake)
    record_id = before["record_id"].min()
    os.utime((ward / record_id).with_suffix(".hea"))
    source = IngestConfig(source=str(ward), lake=annotating.lake, workers=0)
    ingest(source)
    between = said(annotating.lake)
    # The backfill is anew too: its pressures are given again as they were.
    backfill(BackfillConfig(lake=annotating.lake, restorer="classical", workers=0))
    summary = annotate(annotating)

    assert between.equals(before.filter(pl.col("record_id") != record_id))
    assert said(annotating.lake).equals(before)
    assert sum(summary.annotated.values()) == before.height - between.height


def test_a_pressure_that_is_withdrawn_is_told_no_longer(annotating) -> None:
    imputed = said(annotating.lake).filter(pressure_source="imputed").height
    withdraw(WithdrawConfig(lake=annotating.lake, model_id="classical-1"))
    summary = annotate(annotating)
    after = said(annotating.lake)

    assert sum(summary.annotated.values()) == imputed
    assert "imputed" not in after["pressure_source"]
    assert after.select(WINDOW).is_unique().all()


def test_a_withdrawn_annotator_is_gone_and_refused_until_it_is_allowed(annotating, config) -> None:
    before = said(annotating.lake)
    gone = withdraw(WithdrawConfig(lake=annotating.lake, model_id="rules-1"))

    assert gone.rows_removed == {"backfill": 0, "annotations": before.height}
    assert f"{before.height} rows of annotations went" in gone.sentences()[0]
    assert said(annotating.lake).is_empty()
    with pytest.raises(ValueError, match=r"rules-1 was withdrawn .*: annotate by another model"):
        annotate(annotating)
    asked = {"lake": annotating.lake, "annotate": True, "annotator": "rules"}
    night = config.model_copy(update=asked)
    with pytest.raises(ValueError, match="annotate by another model"):
        nightly(night)

    withdraw(WithdrawConfig(lake=annotating.lake, model_id="rules-1", allow=True))
    annotate(annotating)
    assert said(annotating.lake).equals(before)


class Other(RulesAnnotator):
    """The rules under another name."""

    model_id = "other-1"


class Hostile(RulesAnnotator):
    """Says of one record's shard, the first, what no annotation may say."""

    model_id = "hostile-1"
    victim: float | None = None

    def annotate(self, batch):
        said = super().annotate(batch)
        first = float(batch.signals["ppg"].sum()) + len(batch.given)
        Hostile.victim = first if Hostile.victim is None else Hostile.victim
        if repr(first) == repr(Hostile.victim):
            wrong = said.annotations[0].model_copy(update={"note": "'); DROP TABLE windows"})
            said.annotations[0] = wrong
        return said


@pytest.fixture
def annotated_by(monkeypatch):
    """Let this class annotate."""

    def by(kind: type[RulesAnnotator]) -> None:
        for module in ("flows.annotate_plan", "flows.actors.scribe"):
            monkeypatch.setattr(f"{module}.make_annotator", lambda _: kind())

    return by


def test_a_shard_with_an_annotation_that_is_none_is_quarantined_and_the_rest_goes_on(
    annotating, annotated_by
) -> None:
    annotated_by(Hostile)
    before = said(annotating.lake)
    summary = annotate(annotating)
    again = annotate(annotating)
    (line,) = [line for line in summary.quarantined if line.step == "annotate"]

    assert (summary.shards_quarantined, again.shards) == (1, 0)
    assert "a note is at most 2 known phrases" in line.reason
    assert sum(summary.annotated.values()) < before.height
    assert set(said(annotating.lake)["model_id"]) == {"rules-1", "hostile-1"}

    annotated_by(Other)
    mended = annotate(annotating)
    after = said(annotating.lake)
    assert [line.step for line in mended.quarantined] == ["read"]
    assert after["model_id"].unique().to_list() == ["other-1"]
    assert after["annotation"].equals(before["annotation"])


def test_a_night_annotates_where_it_is_asked_to(config, annotated_night) -> None:
    summary = nightly(config.model_copy(update={"annotate": True, "annotator": "rules"}))

    assert summary.annotated == annotated_night[1].annotated
    assert said(config.lake).equals(said(annotated_night[0].lake))
    assert {"plan annotate", "annotate"} <= summary.timings.keys()


def test_a_nights_checkpoint_is_not_the_annotators() -> None:
    night = NightlyConfig(source="a", lake="b", checkpoint="t.safetensors", steps=3)
    words = annotation_of(night.model_dump())
    by_rules = annotation_of(night.model_copy(update={"annotator": "rules"}).model_dump())

    assert (words.annotator, words.checkpoint, words.steps) == ("lavida", None, None)
    assert words.lake == night.lake
    assert by_rules.annotator == "rules"
