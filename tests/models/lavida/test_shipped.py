"""The LaViDas that come along: small enough, and told of whole."""

import json
from pathlib import Path

import pytest

from models.lavida.checkpoint import AnnotatorCheckpoint, read_annotator
from models.lavida.shipped import IMAGES, STRIPS

ROOT = Path(__file__).parents[3]
MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def strips() -> AnnotatorCheckpoint:
    return read_annotator(str(STRIPS))


@pytest.mark.parametrize(("file", "kind"), [(STRIPS, "signal"), (IMAGES, "image")])
def test_it_is_at_most_20_mb_and_looks_at_what_it_is_for(file, kind) -> None:
    shipped = read_annotator(str(file))

    assert file.stat().st_size <= MOST_BYTES
    assert shipped.card.name == file.stem
    assert shipped.settings.sizes.tower.kind == kind


@pytest.mark.parametrize("file", [STRIPS, IMAGES])
def test_its_card_says_what_it_was_made_of_and_how(file) -> None:
    shipped = read_annotator(str(file))
    training = shipped.settings.training
    splits = training["groups"]
    named = [group for groups in splits.values() for group in groups]

    assert "CC BY 4.0" in shipped.card.licence
    assert "Kachuee" in training["attribution"]
    assert training["command"].startswith("pulselake train-annotator --data uci_cuffless")
    assert len(training["commit"]) == 40
    assert len(set(named)) == len(named)


def test_who_told_its_rhythms_is_named(strips) -> None:
    told = strips.settings.training["references"]

    assert "ODC-By" in strips.card.licence
    assert "MIT-BIH" in told["attribution"]
    assert told["left_out"] == ""


def test_its_card_has_the_figures_of_the_benchmarks(strips) -> None:
    training = strips.settings.training
    result = json.loads((ROOT / "bench/results/annotate.json").read_text(encoding="utf-8"))
    shipped = next(
        one
        for one in result["detail"]["corrupted"]
        if (one["way"], one["steps"]) == ("diffusion, alpha 1/3", 8)
    )
    right = training["judged"]["corrupted"]["right"]

    assert right == {slot: round(share, 4) for slot, share in shipped["accuracy"].items()}
    rhythms = json.loads((ROOT / "bench/results/annotate_rhythms.json").read_text("utf-8"))
    rows = training["judged_rhythms"]["left out, one by one"]
    assert [list(row.values()) for row in rows] == rhythms["tables"][0]["rows"]
