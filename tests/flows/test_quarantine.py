import pytest

from flows.actors.reader import _passing
from flows.quarantine import watched
from ops.fault import Fault
from ops.source import ChangedError, OutsideError


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (PermissionError("expired"), ""),
        (FileNotFoundError("gone for now"), ""),
        (ChangedError("changed"), ""),
        (OutsideError("leads out"), "fingerprint"),
        (ValueError("bad header"), "fingerprint"),
    ],
)
def test_what_a_store_did_not_give_for_now_is_tried_again(error: Exception, kept: str) -> None:
    assert watched("fingerprint", error) == kept


@pytest.mark.parametrize(
    ("step", "error", "may_pass"),
    [
        ("fetch", "PermissionError", True),
        ("fetch", "CredentialsError", True),
        ("numerics", "PermissionError", True),
        ("fetch", "OSError", True),
        ("fetch", "OutsideError", False),
        ("fetch", "FileNotFoundError", False),
        ("read", "SignalFileError", False),
    ],
)
def test_a_record_is_read_again_where_a_store_refused_a_file_of_it_for_now(
    step: str, error: str, may_pass: bool
) -> None:
    assert bool(_passing([Fault("r.dat", step, error, "a reason")])) is may_pass
