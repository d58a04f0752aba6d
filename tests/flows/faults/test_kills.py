"""A night killed at any moment, and run again, ends with the rows of one that nothing disturbed."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from flows.nightly import nightly

COMMIT = "ops.lake.commit:_transact"
MOMENTS = {
    "planned": {"of": "flows.ingest:plan_ingest"},
    "half a record fetched": {"of": "ops.source:Source._bring", "nth": 4},
    "windows written": {"of": COMMIT, "told": "windows", "nth": 2, "before": True},
    "windows committed": {"of": COMMIT, "told": "windows", "nth": 2},
    "record committed": {"of": COMMIT, "told": "records", "nth": 2},
    "backfill planned": {"of": "flows.backfill:plan_backfill"},
    "shard written": {"of": COMMIT, "told": "backfill", "nth": 2, "before": True},
    "shard committed": {"of": COMMIT, "told": "backfill", "nth": 2},
    "compacted files written": {"of": "ops.lake.compact:swap_files", "before": True},
    "the run's own row written": {"of": COMMIT, "told": "runs", "before": True},
}
ALIKE = {"windows written", "record committed", "backfill planned"}
"""Moments that others are much like."""

MOST_TOLD = [
    pytest.param(moment, marks=[pytest.mark.slow] * (moment in ALIKE)) for moment in MOMENTS
]


@pytest.mark.parametrize("moment", MOST_TOLD)
def test_a_night_killed_at_a_boundary_and_run_again_ends_with_the_same_rows(
    fresh, undisturbed, nights, hashes, moment
) -> None:
    status, said = nights.run(fresh, **MOMENTS[moment])
    orphaned = orphans(fresh.lake)
    nightly(fresh)

    assert status == -signal.SIGKILL, said
    assert hashes(fresh.lake) == hashes(undisturbed.lake)
    assert orphans(fresh.lake) >= orphaned
    assert bool(orphaned) == ("written" in moment), "files that no table names stay"


def test_a_night_killed_three_times_in_a_row_ends_with_the_same_rows(
    fresh, undisturbed, nights, hashes
) -> None:
    killed = [
        nights.run(fresh, **MOMENTS[moment])[0] for moment in ("windows committed", "planned")
    ]
    killed.append(nights.run(fresh, **MOMENTS["shard committed"])[0])
    nightly(fresh)

    assert killed == [-signal.SIGKILL] * 3
    assert hashes(fresh.lake) == hashes(undisturbed.lake)


def test_a_night_killed_on_s3_between_windows_and_record_ends_with_the_same_rows(
    undisturbed, nights, hashes, s3
) -> None:
    far = undisturbed.model_copy(update={"lake": s3.url("kills", "lake")})
    status, said = nights.run(far, environment=s3.environment, **MOMENTS["windows committed"])
    summary = nightly(far)

    assert summary.shards_quarantined == 0, summary.quarantined
    assert status == -signal.SIGKILL, said
    assert hashes(far.lake) == hashes(undisturbed.lake)


SOME = [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 20))]


@pytest.mark.parametrize("seed", SOME)
def test_a_night_killed_at_a_random_moment_ends_with_the_same_rows(
    fresh, undisturbed, undisturbed_s, nights, hashes, seed
) -> None:
    after_s = random.Random(seed).uniform(0, undisturbed_s)  # noqa: S311
    sys.stdout.write(f"killed after {after_s:.3f} s of {undisturbed_s:.3f}\n")
    pid = nights.start(fresh)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    nights.wait(pid)
    nightly(fresh)

    assert hashes(fresh.lake) == hashes(undisturbed.lake)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("before", [True, False])
def test_a_night_killed_around_every_single_commit_ends_with_the_same_rows(
    fresh, undisturbed, nights, hashes, tmp_path, before
) -> None:
    expected = hashes(undisturbed.lake)
    for nth in range(1, 100):
        lake = fresh.model_copy(update={"lake": str(tmp_path / f"lake{nth}")})
        status, said = nights.run(lake, of=COMMIT, nth=nth, before=before)
        if status == 0:
            break
        nightly(lake)

        assert status == -signal.SIGKILL, said
        assert hashes(lake.lake) == expected, nth
    assert nth > 15


def orphans(lake_url: str) -> set[str]:
    """Data files that no commit has ever named."""
    there = {str(path.relative_to(lake_url)) for path in Path(lake_url).rglob("*.parquet")}
    logs = [log.read_text() for log in Path(lake_url).rglob("_delta_log/*.json")]
    return {path for path in there if not any(Path(path).name in log for log in logs)}


@pytest.mark.slow
def test_tricardio_fills_the_same_rows_by_actors_and_after_a_kill(
    undisturbed, nights, hashes, small_tricardio, tmp_path
) -> None:
    from models.tricardio.checkpoint import save_tricardio

    checkpoint = tmp_path / "made-up.safetensors"
    save_tricardio(checkpoint, small_tricardio(), name="made-up", origin="a test", licence="none")
    told = {"restorer": "tricardio", "checkpoint": str(checkpoint)}
    here, by_actors, killed = (
        undisturbed.model_copy(update={**told, "lake": str(tmp_path / name), "workers": workers})
        for name, workers in (("here", 0), ("actors", 2), ("killed", 0))
    )
    ended = [nights.run(config)[0] for config in (here, by_actors)]
    status, said = nights.run(killed, **MOMENTS["shard committed"])
    ended.append(nights.run(killed)[0])

    assert status == -signal.SIGKILL, said
    assert ended == [0, 0, 0]
    assert hashes(by_actors.lake) == hashes(killed.lake) == hashes(here.lake)
