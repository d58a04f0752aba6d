"""A disk that is full, and a lake that may not be written to: a sentence that says what to do."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flows.actors.pool import Pool
from flows.nightly import nightly
from infra.demo.s3 import upload
from ops.lake import Lake
from ops.room import NoRoomError

NOBODY = 65534


@pytest.fixture(scope="module")
def apart(make_nights):
    """Nights that see disks of their own, each put there for one test."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rm", "true"], check=False).returncode:  # noqa: S603
        pytest.skip("no disk can be made here: unshare -rm is not allowed")
    return make_nights(unshare, "-rm")


@pytest.fixture
def disk(apart, tmp_path):
    """Make a small disk, and give where it is for the nights and where this process sees it."""

    def make(size: str) -> tuple[Path, Path]:
        folder = tmp_path / "disk"
        folder.mkdir()
        apart.mount(folder, f"size={size}")
        return folder, Path(f"/proc/{apart.process.pid}/root{folder}")

    return make


def test_a_record_that_finds_no_room_in_scratch_is_told_and_tried_again(
    undisturbed, apart, disk, s3, tmp_path, hashes
) -> None:
    scratch, _ = disk("28k")
    source = s3.url("disks", "ward")
    upload(Path(undisturbed.source), source, **s3.storage_options)
    config = undisturbed.model_copy(
        update={"source": source, "lake": str(tmp_path / "lake"), "scratch": str(scratch)}
    )
    status, said = apart.run(config, environment=s3.environment)
    lake = Lake(config.lake)
    given_up = lake.scan("quarantine").filter(step="fetch").collect()
    whole = lake.scan("records").filter(status="complete").collect()
    summary = nightly(config.model_copy(update={"scratch": None}))

    assert status == 0, said
    assert given_up.height
    assert all(
        f"scratch folder {scratch} is full: make room there, or name another" in reason
        for reason in given_up["reason"]
    )
    assert whole.height, "a record that fits is read"
    assert summary.records_ingested
    ours, theirs = hashes(config.lake), hashes(undisturbed.lake)
    assert all(ours[table] == theirs[table] for table in ("windows", "numerics", "backfill"))


@pytest.mark.parametrize("size", ["400k", pytest.param("48k", marks=pytest.mark.slow)])
def test_a_full_lake_ends_the_night_and_room_mends_it(
    undisturbed, apart, disk, hashes, tmp_path, size
) -> None:
    folder, seen = disk(size)
    config = undisturbed.model_copy(update={"lake": str(folder)})
    status, said = apart.run(config)
    apart.mount(folder, "remount,size=64m")
    copied = shutil.copytree(seen, tmp_path / "full")
    again, said_again = apart.run(config)
    mended = shutil.copytree(seen, tmp_path / "mended")

    assert (status, again) == (1, 0), said + said_again
    assert f"pulselake failed: lake {folder} is full: make room there and run again\n" in said
    quarantine = Lake(str(copied)).scan("quarantine").collect()
    assert set(quarantine["step"]) <= {"read"}, "no record is given up for the disk's sake"
    assert hashes(str(mended)) == hashes(undisturbed.lake)


class Full:
    """Finds no room for anything."""

    def work(self, item: int) -> None:
        message = f"{item} found no room"
        raise NoRoomError(message)


def test_no_further_item_is_tried_where_there_is_no_room() -> None:
    with Pool(Full, actors=0) as pool, pytest.raises(NoRoomError, match="1 found no room"):
        list(pool.work_through([1, 2]))


def test_a_scratch_folder_that_is_not_there_ends_the_night(undisturbed, tmp_path) -> None:
    config = undisturbed.model_copy(
        update={"lake": str(tmp_path / "lake"), "scratch": str(tmp_path / "gone")}
    )

    with pytest.raises(OSError, match=r"scratch folder .*/gone can't be written to: let this user"):
        nightly(config)

    assert Lake(config.lake).scan("quarantine").collect().is_empty()


def test_a_lake_without_write_permission_fails_the_command_in_one_sentence(
    undisturbed, nights
) -> None:
    shut = [at for at in Path(sys.prefix).resolve().parents if not at.stat().st_mode & 0o001]
    if shut:
        pytest.skip(f"another user can't run what lies in {shut[-1]}")
    root = Path(tempfile.mkdtemp())
    shutil.copytree(undisturbed.source, root / "ward")
    (root / "lake").mkdir()
    root.chmod(0o755)
    (root / "lake").chmod(0o555)
    config = undisturbed.model_copy(
        update={"source": str(root / "ward"), "lake": str(root / "lake")}
    )
    try:
        status, said = nights.run(config, user=NOBODY)
    finally:
        shutil.rmtree(root)

    assert status == 1
    (sentence,) = [line for line in said.splitlines() if "pulselake failed" in line]
    assert re.search(f"lake {root}/lake can't be written to.*: let this user write there", sentence)
    assert "Traceback" not in said
