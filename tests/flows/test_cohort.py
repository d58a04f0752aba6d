import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.cohort import cohort
from flows.cohort_config import CohortConfig
from ops.cohort.folder import MARKER, files_below
from ops.lake import Lake


def run(*arguments: str):
    return CliRunner().invoke(app, ["cohort", *arguments], env={"COLUMNS": "300"})


@pytest.fixture(scope="module")
def exported(first_night, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cohort") / "out"
    done = run(first_night[0].lake, "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    return out


def test_each_source_has_a_folder_and_no_table_holds_both(exported) -> None:
    for source in ("measured", "synthetic"):
        for name in ("series", "hourly", "subjects"):
            rows = pl.read_parquet(exported / source / f"{name}.parquet")
            assert rows["source"].unique().to_list() == [source]
            assert rows["synthetic"].unique().to_list() == [source == "synthetic"]


def test_the_series_is_what_the_lake_holds(exported, first_night) -> None:
    lake = Lake(first_night[0].lake)
    windows = lake.scan("windows").filter(pl.col("sbp").is_not_null()).collect()
    measured = pl.read_parquet(exported / "measured" / "series.parquet")
    key = ["record_id", "window_index"]

    assert measured.sort(key)["sbp"].equals(windows.sort(key)["sbp"])
    synthetic = pl.read_parquet(exported / "synthetic" / "series.parquet")
    assert synthetic["sbp"].drop_nulls().len() > 0
    assert synthetic.join(measured, on=key, how="semi").is_empty()


def test_a_synthetic_pressure_has_its_interval_and_its_kind(exported) -> None:
    rows = pl.read_parquet(exported / "synthetic" / "series.parquet")
    told = rows.filter(pl.col("sbp").is_not_null())

    for pressure in ("sbp", "dbp", "map"):
        inside = pl.col(pressure).is_between(f"{pressure}_lower", f"{pressure}_upper")
        assert told.select(inside.all()).item()
    assert told["correction"].null_count() == 0
    assert told["model_id"].unique().to_list() == ["classical-1"]


def test_the_csv_says_what_the_parquet_says(exported) -> None:
    for table in (exported / "synthetic").glob("*.csv"):
        parquet = pl.read_parquet(table.with_suffix(".parquet"))
        assert pl.read_csv(table, schema=parquet.schema).equals(parquet)


def test_every_form_is_there_and_the_marker_names_every_file(exported) -> None:
    told = json.loads((exported / MARKER).read_text())
    top = {path.partition("/")[2].partition("/")[0] for path in told["files"]}

    assert {*files_below(exported)} == {*told["files"], MARKER}
    assert {"series.parquet", "series.csv", "omop", "meds", "croissant.json"} <= top
    assert "methods.md" in told["files"]


def test_croissant_flags_the_synthetic_folder_alone(exported) -> None:
    flags = {
        source: json.loads((exported / source / "croissant.json").read_text())[
            "rai:hasSyntheticData"
        ]
        for source in ("measured", "synthetic")
    }

    assert flags == {"measured": False, "synthetic": True}


def test_the_summary_counts_what_was_written(exported) -> None:
    told = json.loads((exported / MARKER).read_text())
    rows = pl.read_parquet(exported / "synthetic" / "series.parquet")

    assert told["sources"]["synthetic"]["windows"] == rows["sbp"].drop_nulls().len()
    assert told["sources"]["synthetic"]["subjects"] == rows["subject_id"].n_unique()
    assert told["folders"] == ["measured", "synthetic"]


def test_mixed_tables_are_made_only_when_asked_for_and_flagged(first_night, tmp_path) -> None:
    lake, out = first_night[0].lake, tmp_path / "out"
    done = run(lake, "--out", str(out), "--mix", "--format", "parquet", "--json")
    rows = pl.read_parquet(out / "mixed" / "series.parquet")
    hours = pl.read_parquet(out / "mixed" / "hourly.parquet")

    assert json.loads(done.stdout)["folders"] == ["mixed"]
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["mixed"]
    assert set(rows["synthetic"]) == {True, False}
    assert (rows["synthetic"] == (rows["source"] == "synthetic")).all()
    assert hours.select("subject_id", "hour_start", "hour", "record_id", "source").is_unique().all()


def test_one_table_of_both_without_mix_is_refused(first_night, tmp_path) -> None:
    done = run(first_night[0].lake, "--out", str(tmp_path / "pressures.csv"))

    assert done.exit_code == 2
    assert "share none unless mix asks for it" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--out", "x", "--where", "nope > 1"], "there is no column nope"),
        (["--out", "x", "--source", "made"], "source"),
        (["--out", "x", "--format", "xlsx"], "format"),
        (["--out", "x", "--format", "croissant"], "croissant describes the files of other forms"),
        (["--out", "x", "--mix", "--source", "measured"], "mix is of both sources"),
        (["--out", "s3://bucket/x"], "an export goes to a local folder"),
        (["--out", "x.csv", "--source", "measured"], "an export is a folder of tables"),
        ([], "out"),
    ],
)
def test_what_can_not_be_is_told_before_anything_is_read(tmp_path, arguments, why) -> None:
    done = run(str(tmp_path / "nowhere"), *arguments)

    assert done.exit_code == 2
    assert why in done.output


def test_a_condition_takes_some_windows_and_stands_in_the_methods(first_night, tmp_path) -> None:
    where = "window_index < 2 and sbp is not null"
    cohort(CohortConfig(lake=first_night[0].lake, out=str(tmp_path / "out"), where=where))
    rows = pl.read_parquet(tmp_path / "out" / "synthetic" / "series.parquet")

    assert rows["window_index"].max() == 1
    assert rows["sbp"].null_count() == 0
    assert where in (tmp_path / "out" / "methods.md").read_text()


def test_one_form_and_one_source_leave_the_rest_out(first_night, tmp_path) -> None:
    lake, out = first_night[0].lake, tmp_path / "out"
    run(lake, "--out", str(out), "--source", "measured", "--format", "csv")

    assert files_below(out) == [
        MARKER,
        "measured/hourly.csv",
        "measured/series.csv",
        "measured/subjects.csv",
        "methods.md",
    ]


def test_an_export_is_not_overwritten_unasked(first_night, tmp_path) -> None:
    arguments = [first_night[0].lake, "--out", str(tmp_path / "out"), "--format", "csv"]
    first, second, third = run(*arguments), run(*arguments), run(*arguments, "--overwrite")

    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 1, 0)
    assert "holds an export already" in str(second.exception)


def test_two_exports_of_one_lake_are_the_same(first_night, tmp_path) -> None:
    marks = []
    for name in ("a", "b"):
        run(first_night[0].lake, "--out", str(tmp_path / name))
        files = json.loads((tmp_path / name / MARKER).read_text())["files"]
        timeless = {p: h for p, h in files.items() if p.rpartition("/")[2] not in _DATED}
        marks.append(timeless)

    assert marks[0] == marks[1]


_DATED = ("dataset.json", "croissant.json")
"""The first tells when it was made, the second has the hash of the first."""


def test_a_lake_that_may_not_be_written_can_be_exported(first_night, tmp_path) -> None:
    lake = Path(shutil.copytree(first_night[0].lake, tmp_path / "lake"))
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}
    for path in [lake, *before]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "flows.cli", "cohort", str(lake), "--out", str(tmp_path / "out")],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    for path in [lake, *before]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)

    assert ran.returncode == 0, ran.stderr
    assert "The methods paragraph is" in ran.stdout
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*")} == before


def test_the_lake_as_it_was_is_exported_as_of_a_run(first_night, tmp_path) -> None:
    config, night = first_night
    cohort(CohortConfig(lake=config.lake, out=str(tmp_path / "out"), as_of=night.run_id))

    assert (tmp_path / "out" / "measured" / "series.parquet").exists()
    assert "as it was at 20" in (tmp_path / "out" / "methods.md").read_text()


def test_no_lake_no_dataset_and_no_window_are_told(first_night, tmp_path) -> None:
    nowhere = run(str(tmp_path / "typo"), "--out", str(tmp_path / "a"))
    other = run(first_night[0].lake, "--dataset", "other", "--out", str(tmp_path / "b"))
    none = run(first_night[0].lake, "--where", "sbp > 900", "--out", str(tmp_path / "c"))

    assert "there is no lake at" in str(nowhere.exception)
    assert "dataset other is not in" in str(other.exception)
    assert none.exit_code == 0
    assert "No window has a pressure that was asked for." in none.stdout
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_model_that_made_nothing_is_refused_and_those_that_did_are_named(
    first_night, tmp_path
) -> None:
    lake, out = first_night[0].lake, str(tmp_path / "out")
    wrong = run(lake, "--out", out, "--model-id", "nope")
    right = run(lake, "--out", out, "--model-id", "classical-1", "--format", "parquet")

    assert "model nope made no pressure in" in str(wrong.exception)
    assert "there are: classical-1" in str(wrong.exception)
    assert right.exit_code == 0
    assert "Answers of classical-1 alone were taken." in (Path(out) / "methods.md").read_text()


def test_audits_of_what_made_no_pressure_of_the_export_are_not_told(first_night, tmp_path) -> None:
    lake = Lake(str(shutil.copytree(first_night[0].lake, tmp_path / "lake")))
    audited = lake.scan("audit").collect()
    lake.put("audit", [audited.with_columns(spec_sha256=pl.lit("0" * 64))])
    run(lake.url, "--out", str(tmp_path / "out"), "--format", "parquet")
    run(lake.url, "--out", str(tmp_path / "none"), "--where", "false", "--format", "parquet")
    told, none = ((tmp_path / name / "methods.md").read_text() for name in ("out", "none"))

    assert told.count("were filled by classical-1") == 1
    assert "(spec" not in told
    assert "were filled by" not in none
