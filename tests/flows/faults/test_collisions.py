"""Two nights on one lake at once, and a reader beside a night."""

from pathlib import Path

import polars as pl
import pytest

from ops.lake import Lake
from ops.lake.snapshot import Snapshot

RECORD = ["dataset", "record_id"]


@pytest.mark.parametrize(
    "workers",
    [(0, 0), pytest.param((0, 2), marks=pytest.mark.slow)],
)
def test_two_nights_at_once_leave_the_rows_of_one(
    fresh, undisturbed, nights, hashes, workers
) -> None:
    pids = [nights.start(fresh.model_copy(update={"workers": n})) for n in workers]
    ended = [nights.wait(pid) for pid in pids]

    assert [status for status, _ in ended] == [0, 0], ended
    assert hashes(fresh.lake) == hashes(undisturbed.lake)


@pytest.mark.slow
def test_two_nights_that_annotate_at_once_leave_the_rows_of_one(
    anew, annotated, nights, hashes
) -> None:
    pids = [nights.start(anew) for _ in range(2)]
    ended = [nights.wait(pid) for pid in pids]

    assert [status for status, _ in ended] == [0, 0], ended
    assert hashes(anew.lake) == hashes(annotated.lake)


@pytest.mark.slow
def test_two_nights_at_once_on_s3_leave_the_rows_of_one(undisturbed, nights, hashes, s3) -> None:
    far = undisturbed.model_copy(update={"lake": s3.url("collisions", "lake")})
    pids = [nights.start(far, environment=s3.environment) for _ in range(2)]
    ended = [nights.wait(pid) for pid in pids]

    assert [status for status, _ in ended] == [0, 0], ended
    assert hashes(far.lake) == hashes(undisturbed.lake)


def test_a_reader_beside_a_night_always_sees_whole_records(fresh, undisturbed, nights) -> None:
    pid, lake, looks = nights.start(fresh), Lake(fresh.lake), 0
    seen: set[int] = set()
    while is_alive(pid):
        records = lake.scan("records").select(*RECORD, "n_windows").collect()
        windows = lake.scan("windows").collect()
        backfill = lake.scan("backfill").collect()
        counted = windows.group_by(RECORD).len("there")
        halves = records.filter(pl.col("n_windows") > 0).join(counted, on=RECORD, how="left")

        assert windows.select(*RECORD, "window_index").is_unique().all()
        assert backfill.select(*RECORD, "window_index", "modality", "task").is_unique().all()
        assert halves.filter(pl.col("there").ne_missing(pl.col("n_windows"))).is_empty()
        if records.height:
            at_once = Snapshot(lake.location, "windows")
            dataset, record_id, n_windows = records.row(-1)
            rows = at_once.rows(dataset=dataset, record_id=record_id)
            assert rows.collect().height == n_windows
        looks += 1
        seen.add(records.height)
    status, said = nights.wait(pid)

    assert status == 0, said
    assert looks > 3
    assert len(seen) > 1, "it looked while records came in"
    assert lake.scan("records").collect().height == max(
        Lake(undisturbed.lake).scan("records").collect().height, *seen
    )


def is_alive(pid: int) -> bool:
    """Whether a process has not ended yet; one that nobody has waited for has."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
