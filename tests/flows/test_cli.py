import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from ops.lake import Lake

NEEDED = {
    "run_id",
    "dataset",
    "records_found",
    "records_ingested",
    "records_unchanged",
    "records_quarantined",
    "windows",
    "grades",
    "backfilled",
    "seconds",
    "peak_rss_mib",
}

QUICK = ("--workers", "0", "--restorer", "classical")


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def test_json_is_one_object_and_nothing_else(config) -> None:
    done = run("nightly", config.source, config.lake, *QUICK, "--json")
    printed = json.loads(done.stdout)

    assert done.exit_code == 0
    assert set(printed) >= NEEDED
    assert printed["records_unchanged"] == 11


def test_a_person_is_told_that_nothing_changed(config) -> None:
    done = run("nightly", config.source, config.lake, *QUICK)

    assert "no row of the lake was changed" in " ".join(done.stdout.split())


def test_strict_exits_with_3_where_anything_is_in_quarantine(config) -> None:
    done = run("nightly", config.source, config.lake, *QUICK, "--strict")

    assert done.exit_code == 3


def test_a_missing_argument_is_a_usage_error() -> None:
    done = run("nightly")

    assert done.exit_code == 2
    assert "source" in done.output


def test_an_option_of_the_wrong_kind_is_named() -> None:
    done = run("ingest", "a", "b", "--attempts", "0")

    assert done.exit_code == 2
    assert "attempts" in done.output


def test_options_come_from_a_file_and_the_command_line_wins(config, tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text(f'source = "{config.source}"\nlake = "elsewhere"\nworkers = 0\n')
    done = run("ingest", "--config", str(file), "--json", "--dataset", "ward")

    assert json.loads(done.stdout)["lake"].endswith("elsewhere")
    assert Path("elsewhere").is_dir()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_source_that_is_not_there_is_one_sentence_and_exit_1(tmp_path) -> None:
    command = [sys.executable, "-m", "flows.cli", "ingest", str(tmp_path / "nowhere"), "lake"]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_tells_what_is_there_and_that_nothing_waits(config) -> None:
    run("nightly", config.source, config.lake, *QUICK, "--dataset", "ward")
    status = json.loads(run("status", config.lake, "--json").stdout)

    assert status["tables"]["records"] == 12
    assert [work["step"] for work in status["next"]] == ["nothing"]


def test_status_tells_what_would_run_next_and_why(config, ward) -> None:
    run("nightly", config.source, config.lake, *QUICK, "--dataset", "ward")
    header = min(ward.rglob("*.hea"))
    header.touch()
    (work,) = json.loads(run("status", config.lake, "--json").stdout)["next"]

    assert work["step"] == "ingest"
    assert work["reason"] == "changed records"


def test_status_tells_of_a_header_that_has_become_garbage(config, ward) -> None:
    run("nightly", config.source, config.lake, *QUICK, "--dataset", "ward")
    next(ward.glob("ward-a/*.hea")).write_text("no header")
    (work,) = json.loads(run("status", config.lake, "--json").stdout)["next"]

    assert work["step"] == "quarantine"
    assert "has no record line" in work["reason"]


def test_status_tells_of_the_last_good_run(config) -> None:
    run("nightly", config.source, config.lake, *QUICK, "--dataset", "ward")
    run("nightly", f"{config.source}-typo", config.lake, *QUICK, "--dataset", "ward")
    status = json.loads(run("status", config.lake, "--json").stdout)

    assert [r["outcome"] for r in status["runs"]][:2] == ["failed", "done"]
    assert [work["step"] for work in status["next"]] == ["nothing"]


@pytest.mark.parametrize("command", ["status", "backfill"])
def test_a_lake_that_is_not_there_is_told_and_not_made(command, tmp_path) -> None:
    done = run(command, str(tmp_path / "typo"))

    assert "there is no lake at" in str(done.exception)
    assert not (tmp_path / "typo").exists()


def test_a_dataset_that_is_not_there_is_told_with_those_that_are(config) -> None:
    done = run("backfill", config.lake, "--dataset", "typo", "--workers", "0")

    assert "there are: ward" in str(done.exception)


def test_a_restorer_that_does_not_exist_is_a_usage_error() -> None:
    done = run("nightly", "a", "b", "--restorer", "magic")

    assert done.exit_code == 2
    assert "classical" in done.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--restorer", "unicardio"], "restorer unicardio needs a checkpoint"),
        (
            ["--restorer", "classical", "--checkpoint", "u.safetensors"],
            "restorer classical takes no checkpoint",
        ),
        (["--checkpoint", "u.safetensors", "--steps", "49"], "steps"),
        (["--checkpoint", "ftp://joe:hunter2@host/u.safetensors"], "holds a password"),
    ],
)
@pytest.mark.parametrize("command", [["backfill", "lake"], ["nightly", "source", "lake"]])
def test_a_restorer_and_what_it_does_not_go_with_is_a_usage_error(command, options, words) -> None:
    done = run(*command, *options)

    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())
    assert "hunter2" not in done.output
    assert not Path("lake").exists()


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    done = run("ingest", "ftp://joe:hunter2@host/archive", "lake")

    assert done.exit_code == 2
    assert "hunter2" not in done.output


def test_one_file_serves_every_command(config, tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text(f'source = "{config.source}"\nlake = "{config.lake}"\nseed = 0\nworkers = 0\n')

    assert run("status", "--config", str(file), "--json").exit_code == 0
    done = run("backfill", "--config", str(file), "--json")
    models = Lake(config.lake).scan("backfill").select("model_id").unique().collect()

    assert done.exit_code == 0
    assert models["model_id"].str.starts_with("tricardio-1-").all()


def test_an_option_that_no_command_has_is_refused(tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text('lake = "b"\ngrader = "mine"\n')
    done = run("status", "--config", str(file))

    assert done.exit_code == 2
    assert "grader" in done.output


def test_json_tells_of_a_failure_too(tmp_path) -> None:
    done = run("ingest", str(tmp_path / "nowhere"), "lake", "--json")

    assert json.loads(done.stdout)["outcome"] == "failed"


def test_names_are_printed_as_they_are(config, tmp_path) -> None:
    done = run(
        "nightly", config.source, str(tmp_path / "l"), "--dataset", "[/x] [red]y", "--workers", "0"
    )

    assert done.exit_code == 0
    assert "[/x] [red]y" in done.stdout


def test_the_command_starts_without_torch_which_takes_seconds() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, flows.cli; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "False"
