"""A lake as it was: its tables at the versions that they had at a moment."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl
from deltalake import DeltaTable

from ops.lake.commit import open_table
from ops.lake.location import Location
from ops.lake.log import CLOCKS, CommitLog
from ops.lake.marks import readable_since
from schemas.tables import TABLES

_RUN_ID: Final = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")


def moment_of(location: Location, as_of: datetime | str) -> datetime:
    """Tell which moment is meant: a time, UTC where it has no zone, or a run that had ended.

    Raises:
        ValueError: where it is neither, is before the lake began, or is yet to come.
    """
    moment = _utc(as_of) if isinstance(as_of, datetime) else _parsed(location, as_of.strip())
    logs = [log for log in (CommitLog(location, name) for name in TABLES) if log.versions]
    if not logs:
        message = f"there is no lake at {location.url}"
        raise ValueError(message)
    began = min(log.time(log.versions[0]) for log in logs)
    if moment < began and all(log.versions[0] == 0 for log in logs):
        message = f"lake {location.url} began at {told(began)} and was not there at {told(moment)}"
        raise ValueError(message)
    if moment > datetime.now(UTC) + CLOCKS:
        message = f"{told(moment)} is yet to come: lake {location.url} can be read as it was"
        raise ValueError(message)
    return moment


def open_as_of(location: Location, name: str, moment: datetime) -> DeltaTable | None:
    """Open a table at its version of a moment; null where nothing had been written to it.

    Raises:
        ValueError: where vacuum or a clean-up of the log has taken what that needs.
    """
    newest = open_table(location, name)
    if newest is None:
        return None
    log = CommitLog(location, name)
    version = log.version_at(moment)
    if version is None and log.versions[:1] == [0]:
        return None
    if version is None or version < readable_since(newest):
        message = (
            f"lake {location.url} can't be read as of {told(moment)}: what {name} was then is no "
            f"longer kept; it can be read as of {told(since_when(location), up=True)} and later"
        )
        raise ValueError(message)
    newest.load_as_version(version)
    return newest


def since_when(location: Location) -> datetime | None:
    """Tell since when every table can be read as it was; null where there is no table."""
    return max(filter(None, (_readable(location, name) for name in TABLES)), default=None)


def told(moment: datetime | None, *, up: bool = False) -> str:
    """Spell a moment as ``--as-of`` takes it, in UTC, to the second; ``up`` to the next one."""
    if moment is None:
        return "never"
    more = timedelta(seconds=1 if up and moment.microsecond else 0)
    return f"{(moment + more).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _parsed(location: Location, text: str) -> datetime:
    if not _RUN_ID.fullmatch(text):
        try:
            return _utc(datetime.fromisoformat(text))
        except ValueError:
            pass
    return _end_of_run(location, text)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _end_of_run(location: Location, run_id: str) -> datetime:
    """Find the commit of a run's own row, its last."""
    this = pl.col("run_id") == run_id
    runs = open_table(location, "runs")
    rows = [] if runs is None else _rows(location, runs).filter(this).collect().rows(named=True)
    if not rows:
        message = (
            f"{run_id!r} is no time like 2026-11-23T02:00 and no run of lake {location.url}; "
            "its last runs are in `pulselake status`"
        )
        raise ValueError(message)
    ended: datetime = rows[0]["started_at"] + timedelta(seconds=rows[0]["seconds"])
    log = CommitLog(location, "runs")
    before = log.version_at(ended - CLOCKS)
    for version in (v for v in log.versions if before is None or v > before):
        runs = DeltaTable(location.table_url("runs"), version, location.delta_options())
        if not _rows(location, runs).filter(this).collect().is_empty():
            return max(ended, log.time(version))
    return ended


def _rows(location: Location, delta: DeltaTable) -> pl.LazyFrame:
    rows = pl.scan_delta(delta, storage_options=location.polars_options())
    return rows.select("run_id", "started_at", "seconds")


def _readable(location: Location, name: str) -> datetime | None:
    log, delta = CommitLog(location, name), open_table(location, name)
    if delta is None or not log.versions:
        return None
    oldest = readable_since(delta)
    if oldest == 0 and log.versions[0] == 0:
        return None
    return log.time(max(oldest, log.versions[0]))
