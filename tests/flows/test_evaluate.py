"""An evaluation from files or a lake to its table."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from bench.unicardio_golden import save_made_up
from flows.cli import app
from flows.evaluate import evaluate
from flows.evaluate_config import EvaluateConfig

QUICK = (
    *("--per-group", "3", "--learn-per-group", "5", "--split", "validation"),
    *("--restorer", "classical"),
)


def run(*arguments: str):
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_json_is_one_object_and_nothing_else(made_up_uci, tmp_path) -> None:
    out = tmp_path / "deep" / "table.json"
    tasks = ("--tasks", "translate/abp/absent/ecg+ppg", "--tasks", "denoise/ppg/motion 0")
    done = run("--data", str(made_up_uci), *QUICK, *tasks, "--out", str(out), "--json")
    told = json.loads(done.stdout)

    assert done.exit_code == 0
    assert told == json.loads(out.read_text())
    assert told["split"] == "validation"
    assert len(told["groups"]) == 3
    assert {case["task"] for case in told["cases"]} == {"translate", "denoise"}
    with_cuff = next(case for case in told["cases"] if case["reference"] == "first")
    assert "boosting on pairs" in with_cuff["methods"]
    assert all(m["windows_a_second"] > 0 for m in with_cuff["methods"].values())
    assert told["continuity"][0]["methods"]["clean"]["times"] < 3


def test_a_person_is_shown_tables(made_up_uci) -> None:
    done = run("--data", str(made_up_uci), *QUICK, "--tasks", "impute/ecg/gap 30 %/alone")

    assert done.exit_code == 0
    assert "cubic spline" in done.stdout
    assert "classical-1 *" in done.stdout
    assert "Heart rate and beats" in done.stdout


def test_ecg_noise_is_left_out_where_there_is_none(made_up_uci) -> None:
    config = EvaluateConfig(
        data=(str(made_up_uci),),
        split="validation",
        per_group=2,
        tasks=("denoise/ecg/",),
        restorer="classical",
    )
    told = evaluate(config)

    assert {case["spoiled"] for case in told["cases"]} == {"gaussian 15 dB"}
    assert len(told["left_out"]) == 8


def test_a_lake_is_judged_by_its_good_windows(first_night) -> None:
    config = EvaluateConfig(
        lake=first_night[0].lake, per_group=3, tasks=("impute/abp/gap",), restorer="classical"
    )
    told = evaluate(config)
    good = pl.scan_delta(f"{first_night[0].lake}/windows").filter(pl.col("abp_grade") == "good")
    subjects = good.select("subject_id").unique().collect()["subject_id"]

    alone = next(case for case in told["cases"] if not case["given"])
    assert alone["groups"] == len(subjects)
    assert set(alone["methods"]) == {"classical-1", "linear", "cubic spline"}
    assert told["split"] is None


@pytest.mark.usefixtures("one_thread")
def test_a_checkpoint_is_judged_beside_the_classical_methods(made_up_uci, tmp_path) -> None:
    """Its weights are made up, so that its figures mean nothing."""
    save_made_up(tmp_path / "u.safetensors")
    config = EvaluateConfig(
        data=(str(made_up_uci),),
        split="validation",
        per_group=1,
        tasks=("impute/abp/gap 30 %/alone",),
        checkpoint=str(tmp_path / "u.safetensors"),
        samples=2,
        steps=1,
        table=tmp_path / "table.md",
    )
    told = evaluate(config)
    model = told["methods"][0]
    (claim,) = [c for c in told["claims"][model["model_id"]] if c["name"].startswith("30 % gap")]

    assert (model["classical"], model["n_samples"]) == (False, 2)
    assert claim["name"].startswith("30 % gap in abp, alone: RMSE over")
    assert f"| {claim['name']} | " in (tmp_path / "table.md").read_text()
    (case,) = told["cases"]
    assert set(case["methods"]) == {model["model_id"], "classical-1", "linear", "cubic spline"}
    assert case["methods"][model["model_id"]]["answered"] == 3
    assert case["best_classical"] != model["model_id"]


@pytest.mark.usefixtures("one_thread")
def test_where_no_checkpoint_is_named_the_one_that_comes_along_is_judged(made_up_uci) -> None:
    config = EvaluateConfig(
        data=(str(made_up_uci),),
        split="validation",
        per_group=1,
        tasks=("impute/abp/gap 30 %/alone",),
    )
    told = evaluate(config)

    (claim,) = [c for c in told["claims"][told["methods"][0]["model_id"]] if "RMSE" in c["name"]]
    assert told["methods"][0]["model_id"].startswith("tricardio-1-")
    assert told["cases"][0]["methods"].keys() >= told["claims"].keys()
    assert 0 < claim["value"] < 2


def test_a_checkpoint_and_itself_beside_it_are_refused(made_up_uci, tmp_path) -> None:
    save_made_up(tmp_path / "u.safetensors")
    path = str(tmp_path / "u.safetensors")
    config = EvaluateConfig(
        data=(str(made_up_uci),), split="validation", checkpoint=path, beside=(path,)
    )

    with pytest.raises(ValueError, match="must differ in model_id"):
        evaluate(config)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "evaluate needs data or a lake"),
        (("--data", "d", "--tasks", "dance"), "no case is called dance"),
        (("--data", "d", "--split", "holdout"), "split"),
        (("--data", "d", "--strict"), "--strict"),
    ],
)
def test_what_can_not_be_judged_is_a_usage_error(options, words) -> None:
    done = run(*options)

    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


def test_real_windows_of_validation_groups_are_judged(real_uci, real_wfdb) -> None:
    config = EvaluateConfig(
        data=(str(real_uci / "uci-2.parquet"),),
        split="validation",
        per_group=2,
        noise=str(real_wfdb / "nstdb"),
        tasks=("denoise/ecg/nst 0 dB/alone", "impute/ppg/gap 30 %/ecg"),
        restorer="classical",
    )
    noisy = next(case for case in evaluate(config)["cases"] if case["task"] == "denoise")

    assert noisy["methods"]["band-pass"]["snr_nst_in_db"]["mean"] == pytest.approx(0, abs=0.01)
    assert noisy["methods"]["band-pass"]["snr_gain_db"]["mean"] > 0
