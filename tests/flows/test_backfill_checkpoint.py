"""Backfill by a checkpoint: its weights are made up, so that its signals mean nothing."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from prefect.settings import PREFECT_API_URL
from typer.testing import CliRunner

from bench.unicardio_golden import save_made_up
from flows.backfill import backfill
from flows.cli import app
from flows.config import BackfillConfig, NightlyConfig
from flows.nightly import nightly
from flows.status import lake_status
from flows.upkeep_config import StatusConfig
from infra.demo import artefacts
from infra.demo.bedside import Case, monitor_signals, recorded, write_plain
from infra.demo.s3 import upload
from infra.demo.simulate import Patient
from infra.demo.wfdb_write import Clock, write_record
from ops.fill.signals import stored_counts
from ops.lake import Lake
from schemas.grid import MISSING
from schemas.tables import TABLES

FS = 125.0
DRAWN = {"samples": 4, "steps": 1, "workers": 0}
KEY = ["record_id", "window_index", "modality", "task"]
Rows = Callable[[str], dict[str, pl.DataFrame]]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "u.safetensors"
    save_made_up(path)
    return path


def write_made(folder: Path) -> None:
    """Three windows without an arterial line."""
    case = Case(Patient("2", seed=2), "", "made", write_plain(FS, "16", abp=False))
    case.write(folder, case, 12.0)


def write_mended(folder: Path) -> None:
    """Two good windows, then a gap in PPG, one in ABP, noise on ECG, and the line is out."""
    case = Case(Patient("1", seed=1), "", "mended", write_mended)
    strip = recorded(case, 24.0, FS)
    noise = np.random.default_rng(0).normal(0, 3, len(strip.ecg))
    noisy = (strip.ecg + noise).astype(np.float32)
    signals = replace(
        strip,
        ecg=artefacts.within(strip.ecg, noisy, FS, 16, 4),
        ppg=artefacts.lost(strip.ppg, FS, 9, 1.5),
        abp=artefacts.lost(artefacts.lost(strip.abp, FS, 13, 1), FS, 20, 4),
    )
    write_record(folder, "mended", monitor_signals(signals), Clock(FS), ("subject_id 1",))


WRITERS = {"made": write_made, "mended": write_mended}


def write_ward(folder: Path, *names: str) -> str:
    folder.mkdir(parents=True)
    for name in names:
        WRITERS[name](folder)
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in names))
    return str(folder)


@dataclass(frozen=True)
class Filled:
    """A lake that one night filled, and what it was told; to copy, not to change."""

    config: NightlyConfig
    rows: dict[str, pl.DataFrame]

    def copied(self, to: Path) -> str:
        return str(shutil.copytree(self.config.lake, to))


@pytest.fixture(scope="module")
def filled(tmp_path_factory, checkpoint, rows_of) -> Filled:
    folder = tmp_path_factory.mktemp("filled")
    source = write_ward(folder / "ward", *WRITERS)
    lake = str(folder / "lake")
    config = NightlyConfig(source=source, lake=lake, checkpoint=str(checkpoint), **DRAWN)
    summary = nightly(config)
    assert summary.backfill_abstained == 0
    return Filled(config, rows_of(lake))


@pytest.fixture
def lake(filled, tmp_path) -> str:
    """A copy of the filled lake, to change."""
    return filled.copied(tmp_path / "lake")


def fill_again(lake: str, checkpoint: Path | str, **told: object):
    return backfill(BackfillConfig(lake=lake, checkpoint=str(checkpoint), **{**DRAWN, **told}))


def withhold(lake: str, rows: pl.DataFrame) -> None:
    """Take rows of the backfill out of a lake, as if they had never been made."""
    keys = rows.select("dataset", *KEY)
    assert Lake(lake).commit("backfill", replacing=keys) == rows.height > 0


def versions(lake: str) -> dict[str, int]:
    opened = {name: Lake(lake).open(name) for name in TABLES if name != "runs"}
    return {name: delta.version() for name, delta in opened.items() if delta is not None}


def test_every_task_of_the_night_is_filled_by_the_checkpoint(filled, checkpoint) -> None:
    rows = filled.rows["backfill"]
    card = json.loads(checkpoint.with_suffix(".json").read_text())

    assert rows.select(KEY).rows() == [
        ("made", 0, "abp", "translate"),
        ("made", 1, "abp", "translate"),
        ("made", 2, "abp", "translate"),
        ("mended", 2, "ppg", "impute"),
        ("mended", 3, "abp", "impute"),
        ("mended", 4, "ecg", "denoise"),
        ("mended", 5, "abp", "translate"),
    ]
    assert rows["model_id"].unique().to_list() == [f"made-up-{card['sha256'][:8]}"]
    assert rows.select("sampler", "steps", "n_samples").unique().rows() == [("ddim", 1, 4)]
    assert rows["samples"].null_count() == 0
    assert (rows["sbp_lower"].drop_nulls() <= rows["sbp"].drop_nulls()).all()


def test_an_imputed_signal_keeps_its_measured_counts(filled) -> None:
    windows = filled.rows["windows"]
    imputed = filled.rows["backfill"].filter(task="impute")

    assert imputed.height == 2
    for row in imputed.iter_rows(named=True):
        told = {key: row[key] for key in ("record_id", "window_index")}
        (before,) = stored_counts(windows.filter(**told)[row["modality"]])
        kept = before != MISSING
        assert 0 < kept.sum() < len(kept)
        for part in ("samples", "lower", "upper"):
            assert (np.array(row[part])[kept] == before[kept]).all()


def test_two_actors_make_the_rows_of_none(filled, checkpoint, tmp_path, rows_of) -> None:
    lake = str(tmp_path / "lake")
    nightly(filled.config.model_copy(update={"lake": lake, "workers": 2}))

    assert rows_of(lake)["backfill"].equals(filled.rows["backfill"])


def test_an_actor_reads_a_checkpoint_from_object_storage(
    filled, lake, checkpoint, s3, rows_of
) -> None:
    """It also makes what was withheld as it was made among the rest."""
    upload(checkpoint.parent, s3.url("models"), **s3.storage_options)
    withhold(lake, filled.rows["backfill"].gather_every(2))
    summary = fill_again(lake, s3.url("models", checkpoint.name), workers=1)

    assert sum(sum(made.values()) for made in summary.backfilled.values()) == 4
    assert rows_of(lake)["backfill"].equals(filled.rows["backfill"])


def test_one_record_alone_is_filled_as_among_others(filled, tmp_path, rows_of) -> None:
    source, lake = write_ward(tmp_path / "ward", "made"), str(tmp_path / "lake")
    nightly(filled.config.model_copy(update={"source": source, "lake": lake}))
    expected = filled.rows["backfill"].filter(record_id="made")

    assert rows_of(lake)["backfill"].equals(expected)


def test_a_lake_filled_task_by_task_by_two_threads_has_the_same_rows(
    filled, lake, checkpoint, rows_of
) -> None:
    withhold(lake, filled.rows["backfill"].filter(pl.col("record_id") == "mended"))
    torch.set_num_threads(2)
    try:
        fill_again(lake, checkpoint, translate=(), restore=("ecg",))
        fill_again(lake, checkpoint, translate=(), restore=("abp",))
        fill_again(lake, checkpoint)
    finally:
        torch.set_num_threads(1)

    assert rows_of(lake)["backfill"].equals(filled.rows["backfill"])


def test_filling_again_changes_no_row(lake, checkpoint) -> None:
    before = versions(lake)
    summary = fill_again(lake, checkpoint, workers=2)

    assert (summary.shards, summary.rows_changed) == (0, 0)
    assert versions(lake) == before


def test_another_checkpoint_takes_the_rows_over_and_so_does_the_classical_restorer(
    filled, lake, checkpoint, tmp_path, rows_of
) -> None:
    other = save_made_up(
        tmp_path / "v.safetensors",
        **{f"diffmodel.output_projection{n}_1.bias": torch.full((288,), 0.5) for n in (1, 2, 3)},
    )
    answered = [filled.rows["backfill"]]
    fill_again(lake, tmp_path / "v.safetensors")
    answered.append(rows_of(lake)["backfill"])
    backfill(BackfillConfig(lake=lake, workers=0, restorer="classical"))
    answered.append(rows_of(lake)["backfill"])

    models = [rows["model_id"].unique().to_list() for rows in answered]
    assert models[1:] == [[other.model_id], ["classical-1"]]
    assert models[0] != models[1]
    for rows in answered[1:]:
        assert rows.select(KEY).rows() == answered[0].select(KEY).rows()
    assert not answered[0]["samples"].equals(answered[1]["samples"])
    assert answered[0]["seed"].equals(answered[1]["seed"])


def test_what_a_line_read_has_no_part_in_the_pressure_that_is_made(
    filled, tmp_path, rows_of
) -> None:
    """An arterial line that reads one value throughout is at fault; which value is not told."""
    case = Case(Patient("3", seed=3), "", "faulty", write_mended)
    strip = recorded(case, 4.0, FS)
    made = []
    for mmhg in (0.0, 20.0):
        folder = tmp_path / f"{mmhg:.0f}"
        flat = monitor_signals(replace(strip, abp=np.full_like(strip.abp, mmhg)))
        write_record(folder / "ward", "faulty", flat, Clock(FS), ("subject_id 3",))
        told = {"source": str(folder / "ward"), "lake": str(folder / "lake")}
        nightly(filled.config.model_copy(update=told))
        made.append(rows_of(told["lake"])["backfill"])

    one, other = made
    assert one.select("modality", "task", "grade").rows() == [("abp", "translate", "bad")]
    assert one["input_sha256"].to_list() != other["input_sha256"].to_list()
    assert one.drop("input_sha256").equals(other.drop("input_sha256"))


def missing(path: Path) -> str:
    path.unlink()
    return f"{path} is not there"


def without_a_card(path: Path) -> str:
    path.with_suffix(".json").unlink()
    return f"{path.with_suffix('.json')}, the card of {path}, is not there"


def truncated(path: Path) -> str:
    os.truncate(path, 1000)
    return f"{path} is not the file of its card"


def of_another_card(path: Path) -> str:
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "n_parameters": 7}))
    return f"{path} has 8122261 parameters, its card says 7"


def of_another_architecture(path: Path) -> str:
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "architecture": "other"}))
    return f"{path} is a checkpoint of other, unicardio is expected"


@pytest.fixture
def spoilt(checkpoint, tmp_path) -> Path:
    """A copy of the checkpoint, to spoil."""
    return Path(shutil.copytree(checkpoint.parent, tmp_path / "spoilt")) / checkpoint.name


def make_stale(lake: str) -> None:
    """Let a window change under the row that was made from it."""
    changed = Lake(lake).scan("windows").filter(record_id="made", window_index=1).collect()
    key = changed.select("dataset", "record_id", "window_index")
    now = changed.with_columns(input_sha256=pl.lit("changed"))
    assert Lake(lake).put("windows", [now], replacing=key) == 1


@pytest.mark.parametrize(
    "spoil", [missing, without_a_card, truncated, of_another_card, of_another_architecture]
)
def test_a_checkpoint_that_is_none_stops_before_a_row_is_changed(lake, spoilt, spoil) -> None:
    make_stale(lake)
    before = versions(lake)
    told = spoil(spoilt)

    with pytest.raises((OSError, ValueError)) as stopped:
        fill_again(lake, spoilt, workers=2)
    assert str(stopped.value).startswith(told)
    assert "\n" not in str(stopped.value)
    assert versions(lake) == before


def test_a_night_with_a_checkpoint_that_is_none_reads_no_record(filled, tmp_path) -> None:
    lake, gone = str(tmp_path / "unread"), str(tmp_path / "gone.safetensors")

    with pytest.raises(FileNotFoundError, match=r"gone\.safetensors is not there"):
        nightly(filled.config.model_copy(update={"lake": lake, "checkpoint": gone}))
    assert Lake(lake).open("windows") is None


def test_a_checkpoint_that_is_not_in_its_bucket_is_told_by_its_url(lake, s3) -> None:
    before = versions(lake)
    url = s3.url("models", "gone.safetensors")

    with pytest.raises(FileNotFoundError, match=f"^{url} is not there$"):
        fill_again(lake, url)
    assert versions(lake) == before


def test_the_command_says_so_in_one_sentence_and_exits_with_1(lake, spoilt) -> None:
    truncated(spoilt)
    before = versions(lake)
    command = [sys.executable, "-m", "flows.cli", "backfill", lake, "--checkpoint", str(spoilt)]
    # It uses the tests' Prefect server, which is up already.
    environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, check=False, env=environment
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"pulselake failed: {spoilt} is not the file of its card" in done.stderr
    assert versions(lake) == before


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def test_the_command_takes_a_checkpoint_alone(lake, checkpoint, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(checkpoint.parent)
    drawn = ["--samples", "4", "--steps", "1", "--workers", "0"]
    done = run("backfill", lake, "--checkpoint", checkpoint.name, *drawn, "--json")
    config = json.loads(Lake(lake).scan("runs").sort("started_at").collect()["config"][-1])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["rows_changed"] == 0
    assert (config["restorer"], config["checkpoint"]) == ("unicardio", str(checkpoint))


def test_the_command_takes_all_of_it_from_a_file(lake, checkpoint, tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text(
        f'lake = "{lake}"\nrestorer = "unicardio"\ncheckpoint = "{checkpoint}"\n'
        'sampler = "ddim"\nsamples = 4\nsteps = 1\nworkers = 0\ngpus-per-actor = 0\nfast = false\n'
    )
    done = run("backfill", "--config", str(file), "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["rows_changed"] == 0


def test_status_tells_what_a_checkpoint_would_fill(filled, lake) -> None:
    full = lake_status(StatusConfig(lake=lake))
    withhold(lake, filled.rows["backfill"].filter(task="translate"))
    (work,) = lake_status(StatusConfig(lake=lake)).next

    assert [work.step for work in full.next] == ["nothing"]
    assert (work.step, work.count) == ("backfill", 4)
    assert work.reason == "windows to translate abp, by unicardio"


@pytest.mark.parametrize("spoil", [missing, truncated])
def test_status_says_why_it_cannot_tell_what_a_checkpoint_would_fill(
    filled, lake, spoilt, spoil
) -> None:
    nightly(filled.config.model_copy(update={"lake": lake, "checkpoint": str(spoilt)}))
    told = spoil(spoilt)
    done = run("status", lake, "--json")
    status = json.loads(done.stdout)
    (work,) = status["next"]

    assert done.exit_code == 0
    assert status["tables"]["backfill"] == 7
    assert (work["step"], work["count"]) == ("backfill", None)
    assert work["reason"].startswith(told)
    assert "\n" not in work["reason"]
    assert run("status", lake).exit_code == 0
