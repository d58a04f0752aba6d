"""A lake annotated by a model of made-up weights: valid all the same, and true to what is given."""

from pathlib import Path

import polars as pl
import pytest
import torch

from flows.annotate import annotate
from flows.annotate_config import AnnotateConfig
from models.lavida.architecture import LanguageSizes, Sizes, TowerSizes
from models.lavida.checkpoint import AnnotatorSettings, save_annotator
from models.lavida.network import LaViDa
from models.lavida.words import WORDS
from ops.annotate.given import WINDOW
from ops.lake import Lake

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    tower = {"channels": 6, "side": 125, "patch": 25, "stride": 25}
    layers = {"width": 16, "depth": 1, "heads": 2, "mlp": 16}
    sizes = Sizes(
        tower=TowerSizes(kind="signal", **tower, **layers),
        language=LanguageSizes(vocabulary=len(WORDS), **layers),
    )
    file = tmp_path_factory.mktemp("made-up") / "small.safetensors"
    told = {"name": "small", "origin": "a test", "licence": "none"}
    save_annotator(file, LaViDa(sizes), AnnotatorSettings(sizes=sizes), **told)
    return file


def said(lake_url: str) -> pl.DataFrame:
    return Lake(lake_url).scan("annotations").sort(WINDOW).collect()


def test_a_model_annotates_in_the_place_of_the_rules_and_keeps_what_is_given(
    annotating, checkpoint
) -> None:
    by_rules = said(annotating.lake)
    told = {"lake": annotating.lake, "workers": 0, "checkpoint": str(checkpoint)}
    summary = annotate(AnnotateConfig(**told, steps=2))
    again = annotate(AnnotateConfig(**told, steps=2))
    rows = said(annotating.lake)

    assert sum(summary.annotated.values()) == rows.height == by_rules.height
    assert again.rows_changed == 0
    assert rows["pressure_source"].equals(by_rules["pressure_source"])
    assert rows.filter(pressure_source="imputed")["pressure_band"].equals(
        by_rules.filter(pressure_source="imputed")["pressure_band"]
    )
    assert rows["model_id"].unique().str.starts_with("small-").all()
    assert rows["steps"].max() <= 2
    assert rows["pressure_source_confidence"].unique().to_list() == [1.0]

    more = annotate(AnnotateConfig(**told, steps=3))
    assert sum(more.annotated.values()) == rows.height
    assert said(annotating.lake)["steps"].max() == 3
