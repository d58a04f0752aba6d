"""What pulselake rests on: licences as stated, and holes that are known."""

import shutil
import socket
import subprocess
from importlib.metadata import PackageNotFoundError

import pytest

from infra.licences import UNKNOWN, licences, main, table
from tests.flows.docs.pages import PAGES, ROOT, commands_of, words_of

BINDING = ("GPL", "General Public", "SSPL", "Commons Clause", "Non-Commercial")
CHOICE = {"text-unidecode"}
"""Those that also offer a licence that binds nobody: this one, the Artistic Licence."""

ADVISORIES = ("pypi.org", 443)


def reachable() -> bool:
    try:
        socket.create_connection(ADVISORIES, timeout=3).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_every_library_states_a_licence_that_binds_nothing_of_ours() -> None:
    found = licences()
    out = ROOT / "out" / "licences.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text(table(found), encoding="utf-8")
    bound = {
        one.name
        for one in found
        if one.licence == UNKNOWN or any(word in one.licence for word in BINDING)
    }

    assert bound - CHOICE == set()


@pytest.mark.slow
def test_no_pinned_version_has_a_hole_that_is_known() -> None:
    audit = next(c for c in commands_of(PAGES["docs/threats.md"]) if "pip-audit" in c)
    if not shutil.which("uvx") or not reachable():
        pytest.skip(f"no index of advisories can be reached from here; run {audit}")
    done = subprocess.run(  # noqa: S603
        words_of(audit), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_list_holds_what_pulselake_asks_for_and_what_that_asks_for(capsys) -> None:
    main()
    rows = capsys.readouterr().out.splitlines()
    names = [row.split(" | ")[0].removeprefix("| ") for row in rows[2:]]

    assert {"torch", "polars", "ray", "prefect", "werkzeug"} <= set(names)
    assert "pulselake" not in names
    assert names == sorted(names)


def test_what_is_not_installed_is_no_root() -> None:
    with pytest.raises(PackageNotFoundError):
        licences("no-such-distribution")
