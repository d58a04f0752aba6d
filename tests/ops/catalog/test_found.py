import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.catalog.found import MAX_FAULTS, find_headers
from ops.source import Entry, Source

ONE = "a 1 250 1000\na.dat 16 200/mV 12 0 0 0 0 II\n"


def ids(plan) -> list[str]:
    return [record.record_id for record in plan.to_read]


def reasons(plan) -> list[str]:
    return [unread.fault.reason for unread in plan.faults]


def test_without_a_records_file_every_header_is_a_record(archive, plan) -> None:
    root = archive({"b.hea": ONE, "x/a.hea": ONE, "x/a.dat": "", "x/a.atr": "", "notes.txt": ""})

    planned = plan(root)

    assert ids(planned) == ["b", "x/a"]
    assert planned.found == 2


def test_a_records_file_governs_its_own_subtree(archive, plan) -> None:
    root = archive(
        {"x/RECORDS": "a\n", "x/a.hea": ONE, "x/b.hea": ONE, "x/deep/c.hea": ONE, "y/d.hea": ONE}
    )

    assert ids(plan(root)) == ["x/a", "y/d"]


def test_a_nested_records_file_counts_beside_the_outer_one(archive, plan) -> None:
    root = archive(
        {
            "RECORDS": "top\nx/\n",
            "top.hea": ONE,
            "x/RECORDS": "sub/a\n",
            "x/sub/a.hea": ONE,
            "x/sub/b.hea": ONE,
        }
    )

    assert ids(plan(root)) == ["top", "x/sub/a"]


def test_a_named_folder_without_a_records_file_is_listed(archive, plan) -> None:
    root = archive(
        {
            "RECORDS": "p100/p1/\np100/p2\n",
            "p100/p1/7/7.hea": ONE,
            "p100/p2/8.hea": ONE,
            "c.hea": ONE,
        }
    )

    assert ids(plan(root)) == ["p100/p1/7/7", "p100/p2/8"]


def test_comments_blank_lines_line_ends_and_repeats_say_nothing(archive, plan) -> None:
    root = archive({"RECORDS": b"\xef\xbb\xbfa\r\n# b\r\n\r\n  a  \r\n./a\r\n", "a.hea": ONE})

    planned = plan(root)

    assert ids(planned) == ["a"]
    assert planned.faults == []


@pytest.mark.parametrize(
    "line", ["/etc/passwd", "../a", "x/../../a", "s3://bucket/a", "file:///a", "a\x07", b"\xff\xfe"]
)
def test_a_line_that_could_lead_elsewhere_is_a_fault(archive, plan, line: str | bytes) -> None:
    raw = line.encode() if isinstance(line, str) else line
    root = archive({"x/RECORDS": b"# first\n" + raw + b"\na\n", "x/a.hea": ONE})

    planned = plan(root)

    assert ids(planned) == ["x/a"]
    assert [(unread.fault.path, unread.fault.step) for unread in planned.faults] == [
        ("x/RECORDS#line=2", "catalog")
    ]
    assert "line 2 of x/RECORDS is no path below its folder" in reasons(planned)[0]


def test_a_listed_record_without_a_header_is_a_fault(archive, plan) -> None:
    root = archive({"x/RECORDS": "a\ngone\n", "x/a.hea": ONE})

    planned = plan(root)

    assert planned.found == 1
    assert [unread.record_id for unread in planned.faults] == ["x/gone"]
    assert reasons(planned) == ["x/RECORDS names x/gone, which has no header"]


def test_a_records_file_of_garbage_is_named_and_counted(archive, plan) -> None:
    root = archive({"RECORDS": "".join(f"none{i}\n" for i in range(MAX_FAULTS + 7))})

    planned = plan(root)

    assert len(planned.faults) == MAX_FAULTS + 1
    assert reasons(planned)[-1] == "RECORDS has 7 more lines that name no record"


def test_known_records_stand_where_their_records_file_cannot_be_read(archive, plan) -> None:
    root = archive({"x/RECORDS": "a\n", "x/a.hea": ONE, "x/b.hea": ONE})
    before = plan(root)
    (root / "x/RECORDS").write_bytes(b"a\n" * 5_000_000)

    planned = plan(root, before)

    assert (planned.unchanged, planned.vanished, ids(planned)) == (["x/a"], [], [])
    assert [unread.fault.path for unread in planned.faults] == ["x/RECORDS"]


def test_a_records_file_in_a_folder_that_no_table_takes_is_a_fault(archive, plan) -> None:
    root = archive({"odd/RECORDS": "r\nnothing\n", "odd/r.hea": "r 0 125 0\n"})
    (root / "odd").rename(root / "\udcff")
    planned = plan(root)

    assert planned.to_read == []
    assert [unread.fault.path for unread in planned.faults] == ["\\udcff/RECORDS", "\\udcff/r.hea"]
    assert all(unread.fault.reason.isprintable() for unread in planned.faults)


def test_a_name_that_no_table_takes_is_a_fault(archive, plan) -> None:
    root = archive({"a.hea": ONE})
    (root / "b\udcff.hea").write_text(ONE)

    planned = plan(root)

    assert ids(planned) == ["a"]
    assert [unread.fault.path for unread in planned.faults] == ["b\\udcff.hea"]


@given(st.binary(max_size=200))
def test_whatever_a_records_file_holds_only_headers_that_exist_are_found(raw: bytes) -> None:
    class OneFile(Source):
        def read(self, paths, seen=None):
            return dict.fromkeys(paths, raw)

    listing = {path: Entry(path, 1, "v") for path in ("RECORDS", "a.hea", "x/b.hea")}

    found = find_headers(OneFile("nowhere"), listing, lambda _: False)

    assert found.headers <= {"a.hea", "x/b.hea"}
    assert all(refused.fault.step == "catalog" for refused in found.faults)
