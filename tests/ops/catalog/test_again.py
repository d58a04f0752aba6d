import pytest

from ops.catalog import look_again
from ops.source import ChangedError, Source

ONE = "{} 1 125 500\n{}.dat 16 200 16 0 0 0 0 II\n"


def test_a_record_that_is_gone_for_now_has_changed(archive, plan) -> None:
    root = archive({"a.hea": ONE.format("a", "a"), "a.dat": "a"})
    (planned,) = plan(root).to_read
    (root / "a.hea").rename(root / "a.away")

    with pytest.raises(ChangedError, match=r"a\.hea was listed and is gone"):
        look_again(Source(str(root)), planned, str)
