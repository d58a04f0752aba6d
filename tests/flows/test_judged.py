"""An evaluation's figures, put into the card of what it judged."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.evaluate_table import markdown
from models.tricardio.checkpoint import read_tricardio, save_tricardio


@pytest.fixture
def checkpoint(tmp_path, small_tricardio) -> Path:
    path = tmp_path / "t.safetensors"
    made_up = small_tricardio(training={"data": "made up"})
    save_tricardio(path, made_up, name="t", origin="a test", licence="none")
    return path


def evaluation(model_id: str) -> dict[str, Any]:
    claim = {"name": "gap: RMSE", "value": 0.704, "asked": "<= 0.75", "met": True}
    missed = {"name": "gain, dB", "value": 2.5, "asked": ">= 3", "met": False}
    return {
        "source": "data",
        "split": "test",
        "files": ["a.parquet"],
        "per_group": 40,
        "windows": 1234,
        "groups": ["g1", "g2"],
        "claims": {model_id: [claim, missed]},
    }


def judged(checkpoint: Path, told: object):
    result = checkpoint.with_name("result.json")
    result.write_text(json.dumps(told))
    return CliRunner().invoke(app, ["checkpoint", "judged", str(checkpoint), str(result), "--json"])


def test_whom_it_was_judged_on_and_what_it_reached_are_in_the_card(checkpoint) -> None:
    before = read_tricardio(str(checkpoint))
    done = judged(checkpoint, evaluation(before.card.model_id))
    after = read_tricardio(str(checkpoint))
    kept = after.settings.training["judged"]

    assert done.exit_code == 0
    assert json.loads(done.stdout)["settings"]["training"]["judged"] == kept
    assert kept["groups"] == ["g1", "g2"]
    assert [row["met"] for row in kept["claims"]] == [True, False]
    assert after.settings.training["data"] == "made up"
    assert after.card.model_id == before.card.model_id


def test_figures_of_another_model_are_refused(checkpoint) -> None:
    done = judged(checkpoint, evaluation("other-1"))

    assert done.exit_code == 1
    assert "judged other-1, not t-" in str(done.exception)


@pytest.mark.parametrize("told", [{}, [], {"claims": 3}])
def test_what_is_no_evaluation_is_refused(checkpoint, told) -> None:
    assert "is not what an evaluation wrote" in str(judged(checkpoint, told).exception)


def test_the_table_says_what_is_missed() -> None:
    lines = markdown(evaluation("t-1")).splitlines()

    assert lines[0] == "| `t-1` on 2 test groups, 1,234 windows | measured | asked | met |"
    assert lines[2] == "| gap: RMSE | 0.704 | at most 0.75 | yes |"
    assert lines[3] == "| gain, dB | 2.500 | at least 3 | **no** |"
