import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from ops.lake import Lake
from ops.lake.arrow import delta_schema
from ops.lake.commit import commit_files
from ops.lake.history import since_when
from ops.lake.log import CommitLog
from ops.lake.marks import withdrawal
from schemas.tables import TABLES


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def after() -> datetime:
    """Give a moment between two commits; the log tells milliseconds."""
    time.sleep(0.003)
    moment = datetime.now(UTC)
    time.sleep(0.003)
    return moment


def test_a_lake_is_read_as_it_was(lake, put_pulse, pulses) -> None:
    moments = []
    for value in (70.0, 60.0, 50.0):
        put_pulse(lake, "a", value)
        moments.append(after())

    assert [pulses(Lake(lake.url, moment)) for moment in moments] == [[70.0], [60.0], [50.0]]


def test_a_copy_of_a_lake_is_read_as_the_lake_was(lake, put_pulse, pulses, tmp_path) -> None:
    put_pulse(lake, "a", 70.0)
    moment = after()
    put_pulse(lake, "a", 60.0)
    copied = shutil.copytree(lake.url, tmp_path / "copied", copy_function=shutil.copyfile)
    for commit in copied.rglob("*.json"):
        os.utime(commit, (time.time() + 60, time.time() + 60))

    assert pulses(Lake(str(copied), moment)) == [70.0]


def test_a_clock_that_was_wrong_misleads_no_other_version(lake, put_pulse, pulses, restamp) -> None:
    moments = []
    for value in (70.0, 60.0, 50.0, 40.0, 30.0, 20.0):
        put_pulse(lake, "a", value)
        moments.append(after())
    restamp(lake, 3, datetime(1970, 1, 1, tzinfo=UTC))
    restamp(lake, 5, datetime(2999, 1, 1, tzinfo=UTC))
    log = CommitLog(lake.location, "numerics")

    assert log.versions == [*range(7)]  # the table was made by the first
    assert [pulses(Lake(lake.url, m)) for m in moments] == [[70], [50], [50], [30], [30], [20]]
    assert log.time(3) == log.time(2)
    assert log.time(5) == log.time(4)


def test_a_time_without_zone_is_utc_and_with_one_is_meant_so(lake, put_pulse, pulses) -> None:
    put_pulse(lake, "a", 70.0)
    moment = after()
    put_pulse(lake, "a", 60.0)
    east = moment + timedelta(hours=5, minutes=30)

    assert pulses(Lake(lake.url, f"{moment:%Y-%m-%dT%H:%M:%S.%f}")) == [70.0]
    assert pulses(Lake(lake.url, f"{east:%Y-%m-%dT%H:%M:%S.%f}+05:30")) == [70.0]
    assert pulses(Lake(lake.url, moment.replace(tzinfo=None))) == [70.0]


def test_a_table_that_came_later_is_empty_before(lake, put_pulse, window_rows) -> None:
    put_pulse(lake, "a", 70.0)
    moment = after()
    lake.put("windows", [window_rows])

    assert Lake(lake.url, moment).scan("windows").collect().is_empty()


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2020-02-02", r"began at 20\d\d-.*and was not there at 2020-02-02T00:00:00Z"),
        ("2999-01-01", "2999-01-01T00:00:00Z is yet to come"),
        ("yesterday", "'yesterday' is no time like 2026-11-23T02:00 and no run of lake"),
        ("20261123T020000-12345678", "no run of lake"),
    ],
)
def test_a_time_that_can_not_be_read_is_a_sentence(lake, put_pulse, as_of, words) -> None:
    put_pulse(lake, "a", 70.0)

    with pytest.raises(ValueError, match=words):
        Lake(lake.url, as_of).scan("numerics")


def test_a_lake_that_is_not_there_was_not_there_either(lake) -> None:
    with pytest.raises(ValueError, match="there is no lake at"):
        Lake(lake.url, "2026-01-01").scan("numerics")


def test_a_lake_read_as_it_was_can_not_be_written(lake, put_pulse, pulse_rows) -> None:
    put_pulse(lake, "a", 70.0)
    past = Lake(lake.url, datetime.now(UTC))
    said = "is read as of .*, and can't be written"

    with pytest.raises(ValueError, match=said):
        past.put("numerics", [pulse_rows("a", 60.0)])
    with pytest.raises(ValueError, match=said):
        past.commit("numerics", replacing=pulse_rows("a", 60.0).select("record_id"))
    with pytest.raises(ValueError, match=said):
        past.writer("numerics", {"dataset": "ward"})


def test_old_commits_outlive_the_checkpoints_that_delta_cleans_up_at(
    lake, put_pulse, pulses
) -> None:
    numerics = TABLES["numerics"]
    DeltaTable.create(  # by who knows nothing of reading a lake as it was
        f"{lake.url}/numerics",
        schema=delta_schema(numerics),
        partition_by=["dataset"],
        configuration={"delta.checkpointInterval": "8"},
    )
    put_pulse(lake, "a", 70.0)
    moment = after()
    put_pulse(lake, "a", 60.0)
    lake.open("numerics").create_checkpoint()
    long_ago = time.time() - 40 * 86400
    for file in Path(lake.url, "numerics", "_delta_log").iterdir():
        os.utime(file, (long_ago, long_ago))
    while lake.open("numerics").version() < 8:
        commit_files(lake.location, numerics, [], None, lambda _: withdrawal("nobody"))

    assert Path(lake.url, "numerics", "_delta_log", f"{7:020}.checkpoint.parquet").exists()
    assert pulses(Lake(lake.url, moment)) == [70.0]


def test_a_log_cleaned_up_to_a_checkpoint_says_since_when_it_can_be_read(
    lake, put_pulse, pulses
) -> None:
    put_pulse(lake, "a", 70.0)
    early = after()
    put_pulse(lake, "a", 60.0)
    lake.open("numerics").create_checkpoint()
    late = after()
    put_pulse(lake, "a", 50.0)
    for version in (0, 1):
        Path(lake.url, "numerics", "_delta_log", f"{version:020}.json").unlink()

    assert pulses(Lake(lake.url, late)) == [60.0]
    assert since_when(lake.location) == CommitLog(lake.location, "numerics").time(2)
    said = "what numerics was then is no longer kept; it can be read as of 20.*Z and later"
    with pytest.raises(ValueError, match=said):
        Lake(lake.url, early).scan("numerics")
