import errno
import os

import pytest
from deltalake.exceptions import DeltaError

from ops.lake import Lake
from ops.room import NoRoomError, room_for_fetched, room_in, scratch_folder
from schemas.quarantine import Quarantined


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_with_what_to_do() -> None:
    with (
        pytest.raises(NoRoomError, match=r"^lake /srv is full: make room$"),
        room_in("lake /srv", "make room"),
    ):
        raise full()


def test_a_disk_that_delta_finds_full_is_told() -> None:
    sentence = "Generic error: No space left on device (os error 28)"

    with pytest.raises(NoRoomError, match="is full"), room_in("lake /srv", "make room"):
        raise DeltaError(sentence)


def test_another_error_is_left_as_it_is() -> None:
    with pytest.raises(OSError, match="refused") as told, room_in("lake /srv", "make room"):
        raise OSError(errno.ECONNREFUSED, "refused")

    assert not isinstance(told.value, NoRoomError)


def test_a_source_that_may_not_be_read_is_no_matter_of_scratch(tmp_path) -> None:
    with pytest.raises(PermissionError), room_for_fetched(tmp_path):
        raise PermissionError(errno.EACCES, "Access Denied")


def test_scratch_is_gone_after_its_block(tmp_path) -> None:
    with scratch_folder(str(tmp_path)) as folder:
        (folder / "fetched").write_text("")

    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_that_may_not_be_written_to_is_told(unreadable) -> None:
    root = unreadable({"a": "a"}, ".", mode=0o555)

    with (
        pytest.raises(NoRoomError, match=rf"scratch folder {root} can't be written to: let this"),
        scratch_folder(str(root)),
    ):
        pass


def test_a_table_that_may_not_be_written_to_is_told(unreadable) -> None:
    root = unreadable({"lake/quarantine/file": ""}, "lake/quarantine", mode=0o555)
    lake = Lake(str(root / "lake"))

    with pytest.raises(NoRoomError, match=r"lake can't be written to: let this user write there"):
        lake.put("quarantine", [Quarantined.sample(1)])


def test_a_file_that_is_missing_is_no_folder_that_is_shut() -> None:
    missing = FileNotFoundError(errno.ENOENT, "gone", "part.parquet")

    with pytest.raises(FileNotFoundError), room_in("lake /srv", "make room", "let it write"):
        raise missing
    with (
        pytest.raises(NoRoomError, match="can't be written to: let it write"),
        room_in("lake /srv", "make room", "let it write", makes=True),
    ):
        raise missing
