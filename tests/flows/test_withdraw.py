import json
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import restorers
from flows.backfill import backfill
from flows.cli import app
from flows.config import BackfillConfig
from flows.nightly import nightly
from flows.upkeep_config import WithdrawConfig
from flows.withdraw import withdraw
from flows.withdrawn import withdrawn_models
from ops.lake import Lake
from ops.restore import ClassicalRestorer
from schemas.tables import TABLES


class Better(ClassicalRestorer):
    """The classical restorers under another name."""

    @property
    def model_id(self) -> str:
        return "better-1"


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def filled_by(lake: Lake) -> dict[str, int]:
    return dict(lake.scan("backfill").group_by("model_id").len().collect().rows())


def versions(lake: Lake) -> dict[str, int]:
    opened = {t: lake.open(t) for t in TABLES if t != "runs"}
    return {t: delta.version() for t, delta in opened.items() if delta is not None}


def backfill_only(config) -> BackfillConfig:
    told = {name: getattr(config, name) for name in BackfillConfig.model_fields}
    return BackfillConfig(**told)


def test_a_withdrawn_model_is_gone_refused_and_filled_in_for_by_the_next(
    config, first_night, monkeypatch
) -> None:
    lake = Lake(config.lake)
    before = filled_by(lake)
    summary = withdraw(WithdrawConfig(lake=config.lake, model_id="classical-1"))
    after = versions(lake)
    refusal = (
        f"model classical-1 was withdrawn from lake {config.lake} on 20.* UTC by run "
        f"{summary.run_id}: fill by another model, or allow it again by `pulselake withdraw .* "
        "--model-id classical-1 --allow`"
    )

    assert summary.rows_removed == {"backfill": before["classical-1"], "annotations": 0}
    assert filled_by(lake) == {}
    with pytest.raises(ValueError, match=refusal):
        nightly(config)
    with pytest.raises(ValueError, match=refusal):
        backfill(backfill_only(config))
    assert versions(lake) == after
    status = json.loads(run("status", config.lake, "--json").stdout)
    assert [m["run_id"] for m in status["withdrawn"]] == [summary.run_id]
    assert "fill by another model" in status["next"][0]["reason"]

    monkeypatch.setattr(restorers, "ClassicalRestorer", Better)
    backfill(backfill_only(config))
    assert filled_by(lake) == {"better-1": before["classical-1"]}
    past = Lake(config.lake, as_of=first_night[1].run_id)
    rows = past.scan("backfill").drop("created_at").sort(TABLES["backfill"].key).collect()
    once = Lake(first_night[0].lake).scan("backfill").drop("created_at")
    assert rows.equals(once.sort(TABLES["backfill"].key).collect())
    then = run("status", config.lake, "--as-of", first_night[1].run_id, "--json")
    was = json.loads(then.stdout)
    assert was["tables"]["backfill"] == before["classical-1"]
    assert [r["run_id"] for r in was["runs"]] == [first_night[1].run_id]
    assert (was["next"], was["withdrawn"]) == (None, [])


def test_a_person_is_told_that_a_status_is_of_the_past(config, first_night) -> None:
    then = run("status", config.lake, "--as-of", first_night[1].run_id)
    never = run("status", config.lake, "--as-of", "2001-01-01")

    assert "as it was at 20" in then.stdout
    assert never.exit_code == 1
    assert "began at 20" in str(never.exception)


def test_a_model_that_is_allowed_again_fills(config) -> None:
    lake = Lake(config.lake)
    before = filled_by(lake)
    withdraw(WithdrawConfig(lake=config.lake, model_id="classical-1"))
    withdraw(WithdrawConfig(lake=config.lake, model_id="classical-1", allow=True))
    backfill(backfill_only(config))

    assert filled_by(lake) == before
    assert withdrawn_models(lake) == []


def test_a_model_that_nobody_knows_is_noted_and_recorded_all_the_same(config) -> None:
    done = run("withdraw", config.lake, "--model-id", "tricardio-9", "--json")
    told = json.loads(done.stdout)
    (row,) = (
        Lake(config.lake)
        .scan("runs")
        .filter(pl.col("flow") == "withdraw")
        .collect()
        .rows(named=True)
    )

    assert done.exit_code == 0
    assert told["note"] == ("The lake had no row by that model; those with rows are: classical-1.")
    assert row["run_id"] == told["run_id"]
    assert json.loads(row["config"])["model_id"] == "tricardio-9"
    assert [m.model_id for m in withdrawn_models(Lake(config.lake))] == ["tricardio-9"]


def test_a_person_is_told_what_a_withdrawal_did(config) -> None:
    first = run("withdraw", config.lake, "--model-id", "classical-1").stdout
    again = run("withdraw", config.lake, "--model-id", "classical-1").stdout
    allowed = run("withdraw", config.lake, "--model-id", "other", "--allow").stdout

    assert re.search(r"Model classical-1 is withdrawn: \d\d rows of backfill went", first)
    assert "It was already, since 20" in again
    assert "Model other is allowed" in allowed
    assert "It was not withdrawn." in allowed


def test_withdrawing_without_a_model_or_a_lake_is_told(tmp_path) -> None:
    nameless = run("withdraw", str(tmp_path))
    nowhere = run("withdraw", str(tmp_path / "typo"), "--model-id", "a")

    assert nameless.exit_code == 2
    assert "model_id" in nameless.output
    assert nowhere.exit_code == 1
    assert "there is no lake at" in str(nowhere.exception)
    assert not Path(tmp_path / "typo").exists()
