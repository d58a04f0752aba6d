"""The TriCardio that comes along: small enough, and told of whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.tricardio.checkpoint import SHIPPED, Checkpoint, read_tricardio

ROOT = Path(__file__).parents[3]
MOST_BYTES = 30_000_000


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return read_tricardio(str(SHIPPED))


@pytest.fixture(scope="module")
def training(shipped) -> dict[str, Any]:
    return shipped.settings.training


def test_it_is_at_most_30_mb(shipped) -> None:
    assert SHIPPED.stat().st_size <= MOST_BYTES
    assert shipped.card.name == "tricardio-1"


def test_its_card_says_what_it_was_made_of_and_how(shipped, training) -> None:
    assert shipped.card.licence == training["licence"] == "CC BY 4.0"
    assert "Kachuee" in training["attribution"]
    assert training["command"].startswith("pulselake train --data uci_cuffless")
    assert len(training["commit"]) == 40


def test_no_group_is_in_two_of_its_splits(training) -> None:
    splits = training["groups"]
    named = [group for groups in splits.values() for group in groups]

    assert splits.keys() == {"train", "validation", "calibration", "test"}
    assert len(set(named)) == len(named)
    assert len(splits["test"]) == 52


def test_its_card_has_the_figures_of_the_test_groups(shipped, training) -> None:
    judged = training["judged"]
    result = json.loads((ROOT / "bench/results/tricardio_test.json").read_text(encoding="utf-8"))

    assert judged["split"] == "test"
    assert set(judged["groups"]) <= set(training["groups"]["test"])
    assert judged["claims"] == result["claims"][shipped.card.model_id]


def test_its_bands_are_corrected_for_every_task(shipped) -> None:
    corrected = shipped.settings.calibration.corrections
    tasks = {key.split("/")[0] for key in corrected}

    assert tasks == {"impute", "denoise", "translate"}
    assert all(correction.groups >= 20 for correction in corrected.values())


def test_its_pages_table_is_what_the_evaluation_wrote() -> None:
    table = (ROOT / "bench/results/tricardio_test.md").read_text(encoding="utf-8")

    assert table in (ROOT / "docs/tricardio.md").read_text(encoding="utf-8")


def test_the_other_hospitals_table_is_what_the_evaluation_wrote() -> None:
    table = (ROOT / "bench/results/tricardio_cinc2015.md").read_text(encoding="utf-8")

    assert table in (ROOT / "docs/tricardio.md").read_text(encoding="utf-8")
