import json
import signal
import subprocess
import sys

import pytest

from ops.cohort.folder import MARKER, files_below, leave_marker, sha256_of, whole_folder


def export(out, text: str = "1", *, overwrite: bool = False) -> None:
    with whole_folder(out, overwrite=overwrite) as folder:
        (folder / "below").mkdir()
        (folder / "below" / "a.csv").write_text(text)
        leave_marker(folder, {"what": text})


def test_a_folder_is_there_when_it_is_whole(tmp_path) -> None:
    export(tmp_path / "deep" / "out")
    told = json.loads((tmp_path / "deep" / "out" / MARKER).read_text())

    assert files_below(tmp_path / "deep" / "out") == ["below/a.csv", MARKER]
    assert told["files"] == {"below/a.csv": sha256_of(tmp_path / "deep" / "out" / "below/a.csv")}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_block_that_fails_leaves_nothing(tmp_path) -> None:
    def half() -> None:
        with whole_folder(tmp_path / "out") as folder:
            (folder / "a.csv").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()

    assert list(tmp_path.iterdir()) == []


def test_a_block_that_fails_leaves_the_earlier_export(tmp_path) -> None:
    export(tmp_path / "out", "first")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "out", overwrite=True):
        raise RuntimeError

    assert (tmp_path / "out" / "below" / "a.csv").read_text() == "first"


def test_an_export_that_is_killed_never_looks_whole(tmp_path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from ops.cohort.folder import leave_marker, whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as folder:\n"
        "    leave_marker(folder, {})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)  # noqa: S603

    assert ran.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    export(tmp_path / "out")
    assert (tmp_path / "out" / MARKER).exists()


def test_an_earlier_export_is_replaced_only_when_asked(tmp_path) -> None:
    export(tmp_path / "out", "first")
    with pytest.raises(ValueError, match="holds an export already"):
        export(tmp_path / "out", "second")
    export(tmp_path / "out", "third", overwrite=True)

    assert (tmp_path / "out" / "below" / "a.csv").read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_others_left_stays(tmp_path, overwrite) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("years of work")
    with pytest.raises(ValueError, match=r"no export has left there \(thesis.docx\)"):
        export(tmp_path / "out", overwrite=overwrite)

    assert files_below(tmp_path / "out") == ["thesis.docx"]


def test_a_note_put_into_an_export_stays(tmp_path) -> None:
    export(tmp_path / "out")
    (tmp_path / "out" / "note.txt").write_text("mine")

    with pytest.raises(ValueError, match=r"no export has left there \(note.txt\)"):
        export(tmp_path / "out", overwrite=True)


def test_an_empty_folder_is_free_and_a_file_is_not(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty")
    (tmp_path / "file").write_text("")

    assert (tmp_path / "empty" / MARKER).exists()
    with pytest.raises(ValueError, match="is a file: name a folder"):
        export(tmp_path / "file")


@pytest.mark.parametrize("marker", ["", "[]", '{"files": 3}', '{"other": {}}'])
def test_a_marker_that_is_none_makes_no_export(tmp_path, marker) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MARKER).write_text(marker)

    with pytest.raises(ValueError, match="no export has left there"):
        export(tmp_path / "out", overwrite=True)
