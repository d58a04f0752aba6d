"""A night killed at any moment, and run again, ends with the rows of one that nothing disturbed."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from flows.nightly import nightly
from infra.demo.s3 import upload

COMMIT = "ops.lake.commit:_transact"
MOMENTS = {
    "planned": {"of": "flows.ingest:plan_ingest"},
    "windows written": {"of": COMMIT, "told": "windows", "nth": 2, "before": True},
    "windows committed": {"of": COMMIT, "told": "windows", "nth": 2},
    "record committed": {"of": COMMIT, "told": "records", "nth": 2},
    "backfill planned": {"of": "flows.backfill:plan_backfill"},
    "shard written": {"of": COMMIT, "told": "backfill", "nth": 2, "before": True},
    "shard committed": {"of": COMMIT, "told": "backfill", "nth": 2},
    "compacted files written": {"of": "ops.lake.compact:swap_files", "before": True},
    "the run's own row written": {"of": COMMIT, "told": "runs", "before": True},
}
AMID_A_FETCH = {"of": "ops.source_s3:_write", "nth": 3}
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


TOLD = {"of": COMMIT, "told": "annotations", "nth": 2}
WHILE_ANNOTATING = {
    "planned": {"of": "flows.annotate:plan_annotate"},
    "shard written": {**TOLD, "before": True},
    "shard committed": TOLD,
}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("planned", marks=pytest.mark.slow),
        pytest.param("shard written", marks=pytest.mark.slow),
        "shard committed",
    ],
)
def test_a_night_killed_while_it_annotates_and_run_again_ends_with_the_same_rows(
    anew, annotated, nights, hashes, moment
) -> None:
    status, said = nights.run(anew, **WHILE_ANNOTATING[moment])
    nightly(anew)

    assert status == -signal.SIGKILL, said
    assert hashes(anew.lake) == hashes(annotated.lake)


def test_a_night_killed_amid_the_files_of_a_record_that_it_fetches_ends_with_the_same_rows(
    undisturbed, nights, rows_of, s3, tmp_path
) -> None:
    source = s3.url("fetched", "ward")
    upload(Path(undisturbed.source), source, **s3.storage_options)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    here = undisturbed.model_copy(
        update={"source": source, "lake": str(tmp_path / "lake"), "scratch": str(scratch)}
    )
    status, said = nights.run(here, environment=s3.environment, **AMID_A_FETCH)
    came = {path.suffix: path.stat().st_size for path in scratch.rglob("*") if path.is_file()}
    nightly(here)

    assert status == -signal.SIGKILL, said
    assert came.get(".dat"), "bytes had come"
    ours, theirs = rows_of(here.lake), rows_of(undisturbed.lake)
    for table in ("windows", "numerics", "backfill"):
        assert ours[table].equals(theirs[table]), table


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


@pytest.fixture(scope="session")
def warm_s(undisturbed, nights, tmp_path_factory) -> float:
    """The seconds of a night whose server and files have been asked for before."""
    lake = tmp_path_factory.mktemp("warm") / "lake"
    started = time.monotonic()
    status, said = nights.run(undisturbed.model_copy(update={"lake": str(lake)}))
    assert status == 0, said
    return time.monotonic() - started


TRIES = 5
SOME = [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 20))]


@pytest.mark.parametrize("seed", SOME)
def test_a_night_killed_at_a_random_moment_ends_with_the_same_rows(
    fresh, undisturbed, warm_s, nights, hashes, seed
) -> None:
    rng, most_s, status = random.Random(seed), warm_s, 0  # noqa: S311
    for number in range(TRIES):
        here = fresh.model_copy(update={"lake": f"{fresh.lake}-{number}"})
        after_s = rng.uniform(0, most_s)
        pid = nights.start(here)
        time.sleep(after_s)
        os.kill(pid, signal.SIGKILL)
        status, said = nights.wait(pid)
        sys.stdout.write(f"killed after {after_s:.3f} s of {warm_s:.3f}: {status}\n")
        if status == -signal.SIGKILL:
            break
        most_s = after_s  # it had ended
    nightly(here)

    assert status == -signal.SIGKILL, said
    assert hashes(here.lake) == hashes(undisturbed.lake)


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
