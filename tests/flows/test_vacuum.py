import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL
from typer.testing import CliRunner

from flows.cli import app
from flows.nightly import nightly
from ops.lake import Lake
from ops.lake.history import since_when
from ops.lake.vacuum import YOUNGEST, judge_files, remove_files
from schemas.tables import TABLES

NIGHT = """
import sys
from flows.config import NightlyConfig
from flows.nightly import nightly
told = {"source": sys.argv[1], "lake": sys.argv[2], "restorer": "classical"}
nightly(NightlyConfig(**told, workers=0, commit_every_s=600))
"""


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def vacuum_tomorrow(lake: Lake) -> set[str]:
    """Vacuum as if it were tomorrow; name what went."""
    gone = set()
    for table in TABLES:
        files = judge_files(
            lake.location,
            table,
            keep=timedelta(days=30),
            older_than=YOUNGEST,
            now=datetime.now(UTC) + timedelta(hours=25),
        )
        remove_files(lake.location, table, files)
        gone |= {f"{table}/{file.path}" for file in files if file.fate in ("orphan", "replaced")}
    return gone


def data_files(lake_url: str) -> set[str]:
    return {str(path.relative_to(lake_url)) for path in Path(lake_url).rglob("part-*.parquet")}


def test_what_a_killed_night_leaves_is_removed_and_nothing_else(
    config, first_night, tmp_path, rows_of
) -> None:
    killed = str(tmp_path / "killed")
    # It uses the tests' Prefect server: one of its own would outlive it.
    environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}
    command = [sys.executable, "-c", NIGHT, config.source, killed]
    night = subprocess.Popen(command, env=environment)  # noqa: S603
    deadline = time.monotonic() + 90
    while len(list(Path(killed, "windows").rglob("part-*.parquet"))) < 3:
        assert night.poll() is None, "the night ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    night.send_signal(signal.SIGKILL)
    night.wait()
    orphans = data_files(killed)
    summary = nightly(config.model_copy(update={"lake": killed}))
    before = rows_of(killed)
    dry = json.loads(run("vacuum", killed, "--dry-run", "--json").stdout)
    gone = vacuum_tomorrow(Lake(killed))

    assert sum(piles["young"]["files"] for piles in dry["tables"].values()) == len(orphans)
    assert gone == orphans
    assert not orphans & data_files(killed)
    undisturbed = rows_of(first_night[0].lake)
    past = Lake(killed, as_of=summary.run_id)
    for table, rows in rows_of(killed).items():
        assert rows.equals(before[table]), table
        assert rows.equals(undisturbed[table]), table
        assert past.scan(table).collect().height == rows.height, table


def test_vacuum_tells_what_it_keeps_and_why_and_leaves_a_row_of_runs(config) -> None:
    before = data_files(config.lake)
    done = run("vacuum", config.lake)
    told = " ".join(done.stdout.split())
    status = json.loads(run("status", config.lake, "--json").stdout)

    assert done.exit_code == 0
    assert "0 files (0.0 MB) that no version names went" in told
    assert "no longer in a table that --as-of needs" in told
    assert "The lake can be read as it was since its beginning." in told
    assert data_files(config.lake) >= before
    assert status["runs"][0]["flow"] == "vacuum"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--older-than-hours", "1"),
        ("--older-than-hours", "inf"),
        ("--keep-days", "0"),
        ("--keep-days", "1000000"),
        ("--keep-days", "nan"),
    ],
)
def test_vacuum_does_not_take_what_a_running_night_needs(config, option, value) -> None:
    done = run("vacuum", config.lake, option, value)

    assert done.exit_code == 2
    assert option.strip("-").replace("-", "_") in done.output


def test_a_lake_on_s3_is_vacuumed_and_read_as_it_was(first_night, s3) -> None:
    numerics = Lake(first_night[0].lake).scan("numerics").sort(TABLES["numerics"].key).collect()
    some, odd = numerics.head(3), numerics.head(2).with_columns(dataset=pl.lit("Köln [red]/1"))
    lake = Lake(s3.url("vacuum", "lake"))
    lake.put("numerics", [some, odd])
    time.sleep(0.01)
    moment = datetime.now(UTC)
    time.sleep(0.01)
    lake.commit("numerics", replacing=some.select("dataset", "record_id").unique())
    with lake.writer("numerics", {"dataset": odd["dataset"][0]}) as file:
        file.write(odd)
    (orphan,) = file.finished()
    fs, root = lake.location.filesystem()
    kept = {"numerics/" + path.partition("/numerics/")[2] for path in fs.find(f"{root}/numerics")}
    gone = vacuum_tomorrow(lake)
    fs.invalidate_cache()
    left = {"numerics/" + path.partition("/numerics/")[2] for path in fs.find(f"{root}/numerics")}

    assert gone == {f"numerics/{orphan.path}"}
    assert kept - left == gone
    assert since_when(lake.location) is None
    assert Lake(lake.url, moment).scan("numerics").collect().height == 5
    assert lake.scan("numerics").collect().height == 2
