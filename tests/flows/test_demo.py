from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from flows.demo import QUERIES, run_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    printed = StringIO()
    summary = run_demo(out, Console(file=printed, width=100))
    return summary, out, printed.getvalue()


def test_the_demo_reads_twelve_subjects_and_fills_their_pressure(demo) -> None:
    summary, _, _ = demo

    assert summary.records_found == 12
    assert summary.backfilled["translate"]["abp"] > 0
    assert summary.lake.startswith("s3://")


def test_the_demo_is_filled_by_the_model_that_comes_along(demo) -> None:
    _, out, _ = demo
    filled = pl.scan_delta(str(out / "lake" / "backfill")).collect()

    assert filled["model_id"].str.starts_with("tricardio-1-").all()
    assert filled.select("sampler", "steps", "n_samples").unique().rows() == [("heun", 2, 10)]


def test_the_demo_leaves_a_lake_to_look_at(demo) -> None:
    summary, out, _ = demo
    windows = pl.scan_delta(str(out / "lake" / "windows")).collect()

    assert windows.height == summary.windows
    assert windows["record_id"].n_unique() >= 11


def test_the_queries_that_it_prints_run(demo, capfd) -> None:
    _, out, printed = demo
    told = QUERIES.replace("LAKE", str(out / "lake"))
    code = "\n".join(line.removeprefix("  ") for line in told.splitlines()[2:])
    exec(code, {})  # noqa: S102

    assert told.strip() in printed
    assert Path(out, "lake").is_dir()
    assert "abp_grade" in capfd.readouterr().out
