import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.history import since_when
from ops.lake.vacuum import YOUNGEST, judge_files, remove_files

HOUR = timedelta(hours=1)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def vacuum(lake: Lake, *, later: timedelta, keep: timedelta = 30 * 24 * HOUR) -> dict[str, int]:
    """Vacuum as if it were later; count files by their fate."""
    now = datetime.now(UTC) + later
    files = judge_files(lake.location, "numerics", keep=keep, older_than=YOUNGEST, now=now)
    remove_files(lake.location, "numerics", files)
    fates = [file.fate for file in files]
    return {fate: fates.count(fate) for fate in fates}


def leave_orphan(lake: Lake, rows: pl.DataFrame) -> Path:
    with lake.writer("numerics", {"dataset": rows["dataset"][0]}) as file:
        file.write(rows)
    (written,) = file.finished()
    return Path(lake.url, "numerics", written.path)


def after() -> datetime:
    time.sleep(0.003)
    moment = datetime.now(UTC)
    time.sleep(0.003)
    return moment


def test_orphans_go_and_neither_rows_nor_the_past_change(
    lake, put_pulse, pulse_rows, pulses
) -> None:
    odd = "Köln [red]/1"
    put_pulse(lake, "a", 70.0)
    put_pulse(lake, "a", 71.0, dataset=odd)
    moment = after()
    put_pulse(lake, "a", 60.0)
    orphans = [leave_orphan(lake, pulse_rows("b", 80.0, dataset=d)) for d in ("ward", odd)]
    fates = vacuum(lake, later=25 * HOUR)

    assert fates == {"active": 2, "needed": 1, "orphan": 2}
    assert not any(orphan.exists() for orphan in orphans)
    assert pulses(lake) == [71.0, 60.0]
    assert pulses(Lake(lake.url, moment)) == [71.0, 70.0]
    assert since_when(lake.location) is None


def test_what_a_night_may_still_commit_stays(lake, put_pulse, pulse_rows) -> None:
    put_pulse(lake, "a", 70.0)
    orphan = leave_orphan(lake, pulse_rows("b", 80.0))
    fates = vacuum(lake, later=23 * HOUR)

    assert fates == {"active": 1, "young": 1}
    assert orphan.exists()


def test_orphans_of_a_table_that_never_had_a_commit_go(lake, pulse_rows) -> None:
    orphan = leave_orphan(lake, pulse_rows("b", 80.0))

    assert vacuum(lake, later=25 * HOUR) == {"orphan": 1}
    assert not orphan.exists()


def test_what_no_kept_version_needs_goes_and_the_lake_says_since_when_it_is_readable(
    lake, put_pulse, pulses
) -> None:
    put_pulse(lake, "a", 70.0)
    early = after()
    put_pulse(lake, "a", 60.0)
    late = after()
    fates = vacuum(lake, later=31 * 24 * HOUR)
    since = since_when(lake.location)

    assert fates == {"active": 1, "replaced": 1}
    assert early < since <= late
    assert pulses(Lake(lake.url, late)) == [60.0]
    with pytest.raises(ValueError, match=r"no longer kept; it can be read as of 20.*Z and later"):
        Lake(lake.url, early).scan("numerics")


def test_only_what_was_taken_out_long_enough_ago_goes(lake, put_pulse, pulses) -> None:
    put_pulse(lake, "a", 70.0)
    put_pulse(lake, "a", 60.0)
    middle = after()
    put_pulse(lake, "a", 50.0)
    now = middle + 48 * HOUR
    files = judge_files(lake.location, "numerics", keep=48 * HOUR, older_than=YOUNGEST, now=now)
    remove_files(lake.location, "numerics", files)

    assert sorted(file.fate for file in files) == ["active", "needed", "replaced"]
    assert pulses(Lake(lake.url, middle)) == [60.0]


@pytest.mark.parametrize("year", [1970, 2999])
def test_a_clock_that_was_wrong_costs_no_file_of_the_days_that_are_kept(
    lake, put_pulse, restamp, year
) -> None:
    """Version 3 takes out what version 2 put in, at a time that nobody knows."""
    for value in (70.0, 60.0, 50.0):
        put_pulse(lake, "a", value)
    middle = after()
    put_pulse(lake, "a", 40.0)
    restamp(lake, 3, datetime(year, 1, 1, tzinfo=UTC))

    def fates(limit: datetime) -> list[str]:
        now = limit + 48 * HOUR
        files = judge_files(lake.location, "numerics", keep=48 * HOUR, older_than=YOUNGEST, now=now)
        return sorted(file.fate for file in files)

    assert fates(middle) == ["active", "needed", "needed", "replaced"]
    assert fates(after()) == ["active", "replaced", "replaced", "replaced"]


def test_files_that_no_night_has_written_stay(lake, put_pulse, tmp_path) -> None:
    put_pulse(lake, "a", 70.0)
    table = Path(lake.url, "numerics")
    foreign = [table / "README.txt", table / "dataset=ward" / "mine.parquet"]
    hidden = [table / "_delta_log" / "part-1.parquet", table / ".trash" / "part-1.parquet"]
    outside = [Path(lake.url, "part-1.parquet"), Path(lake.url, "other", "part-1.parquet")]
    for file in (*foreign, *hidden, *outside):
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    (table / "part-2.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    fates = vacuum(lake, later=365 * 24 * HOUR)

    assert fates == {"active": 1, "foreign": 2}
    assert all(file.exists() for file in (*foreign, *hidden, *outside))
    assert (table / "part-2.parquet").is_symlink()


def test_files_named_by_a_checkpoint_alone_stay(lake, put_pulse, pulses) -> None:
    put_pulse(lake, "a", 70.0)
    put_pulse(lake, "b", 80.0)
    lake.open("numerics").create_checkpoint()
    put_pulse(lake, "c", 90.0)
    for version in (0, 1):
        Path(lake.url, "numerics", "_delta_log", f"{version:020}.json").unlink()

    assert vacuum(lake, later=365 * 24 * HOUR) == {"active": 3}
    assert pulses(lake) == [70.0, 80.0, 90.0]


def test_a_file_that_waited_too_long_is_not_committed(lake, put_pulse, pulse_rows) -> None:
    with lake.writer("numerics", {"dataset": "ward"}) as file:
        file.write(pulse_rows("a", 70.0))
    (written,) = file.finished()
    waited = replace(written, finished_at=time.time() - YOUNGEST.total_seconds())

    with pytest.raises(OSError, match="has waited 24 h for its commit, and vacuum may have taken"):
        lake.commit("numerics", [waited])
    assert lake.open("numerics").version() == 0


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.sampled_from("abcoz"), min_size=4, max_size=8), cut=st.integers(0, 7))
def test_every_version_that_is_kept_can_be_read_after_a_vacuum(
    tmp_path_factory, put_pulse, pulse_rows, pulses, steps, cut
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("any") / "lake"))
    was = []
    for value, step in enumerate(steps):
        if step == "o":
            leave_orphan(lake, pulse_rows("b", 80.0))
        elif step == "z":
            compact(lake.location, "numerics")
        else:
            put_pulse(lake, step, float(value))
        was.append((after(), pulses(lake)))
    keep_from = was[min(cut, len(was) - 1)][0]
    now = datetime.now(UTC) + 25 * HOUR
    files = judge_files(
        lake.location, "numerics", keep=now - keep_from, older_than=YOUNGEST, now=now
    )
    remove_files(lake.location, "numerics", files)

    left = [p for p in Path(lake.url).rglob("part-*.parquet") if "_delta_log" not in p.parts]
    assert len(left) == sum(file.fate in ("active", "needed") for file in files)
    if lake.open("numerics") is not None:
        began = next(i for i, step in enumerate(steps) if step in "abc")
        kept = [(then, rows) for then, rows in was[began:] if then >= keep_from]
        assert [pulses(Lake(lake.url, then)) for then, _ in kept] == [rows for _, rows in kept]
