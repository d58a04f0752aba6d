import os
from dataclasses import replace

import pytest
import s3fs

from ops.catalog import Known, load_tree, plan_records
from ops.deidentify import Deidentifier
from ops.fault import Fault
from ops.source import Source

ONE = "a 1 250 1000\n{}.dat 16 200/mV 12 0 0 0 0 II\n"
MASTER = "m/2 1 250 2000\ns1 1000\ns2 1000\n"


def two_records(archive):
    return archive(
        {
            "a.hea": ONE.format("a"),
            "a.dat": "1",
            "m.hea": MASTER,
            "s1.hea": ONE.format("s1"),
            "s2.hea": ONE.format("s2"),
        }
    )


def read_by(plan) -> dict[str, str]:
    return {record.record_id: record.reason for record in plan.to_read}


def known_after(plan, version: str = "1") -> dict[str, Known]:
    return {r.record_id: Known(r.record_id, r.files, r.fingerprint, version) for r in plan.to_read}


def test_segments_layouts_and_numerics_are_no_records_even_where_listed(archive, plan) -> None:
    root = two_records(archive)
    (root / "RECORDS").write_text("m\ns1\ns2\na\nan\n")
    (root / "an.hea").write_text("an 1 0.0167 2\nan.dat 16 1/bpm 16 0 0 0 0 HR\n")

    planned = plan(root)

    assert read_by(planned) == {"a": "new", "m": "new"}
    assert planned.found == 2


def test_a_name_that_ends_in_n_is_a_record_where_it_has_no_parent(archive, plan) -> None:
    root = archive({"a-no-len.hea": ONE.format("a"), "a.hea": ONE.format("a")})

    assert read_by(plan(root)) == {"a": "new", "a-no-len": "new"}


def test_a_second_night_reads_no_header(archive) -> None:
    source = Source(str(two_records(archive)))
    first = plan_records(source, source.listing(), {}, "1")
    listing = source.listing()
    read: list[str] = []
    source.read = lambda paths, seen=None: read.extend(paths) or {}

    second = plan_records(source, listing, known_after(first), "1")

    assert (second.to_read, second.unchanged, second.found) == ([], ["a", "m"], 2)
    assert read == []


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("a.dat", {"a": "changed"}),
        ("s2.hea", {"m": "changed"}),
        ("s1.dat", {"m": "changed"}),
        ("mn.csv.gz", {"m": "changed"}),
        ("an.hea", {"a": "changed"}),
        ("a.atr", {}),
    ],
)
def test_a_file_that_changes_or_appears_has_its_record_read_again(
    archive, plan, path: str, changed: dict[str, str]
) -> None:
    root = two_records(archive)
    before = plan(root)
    (root / path).write_text(ONE.format("other") + "# changed\n")

    planned = plan(root, before)

    assert read_by(planned) == changed
    assert planned.found == 2


def test_newer_code_reads_everything_again(archive, plan) -> None:
    root = two_records(archive)

    planned = plan(root, plan(root), version="2")

    assert read_by(planned) == {"a": "new code", "m": "new code"}


def test_a_record_that_vanished_is_reported(archive, plan) -> None:
    root = two_records(archive)
    (root / "RECORDS").write_text("a\nm\n")
    before = plan(root)
    (root / "RECORDS").write_text("m\n")

    planned = plan(root, before)

    assert (planned.unchanged, planned.vanished, planned.found) == (["m"], ["a"], 1)


def test_no_record_below_a_folder_that_was_not_listed_is_told_as_vanished(archive, plan) -> None:
    root = archive(
        {"a.hea": ONE, "x/b.hea": ONE, "xy/c.hea": ONE, "RECORDS": "a\nx/b\nx/y\nxy/c\n"}
    )
    (root / "x/y").mkdir()
    (root / "x/y/d.hea").write_text(ONE)
    before = plan(root)
    (root / "x").rename(root.parent / "elsewhere")
    (root / "x").symlink_to(root.parent / "elsewhere")
    (root / "xy/c.hea").unlink()

    planned = plan(root, before)

    assert (planned.unchanged, planned.vanished, planned.found) == (["a"], ["xy/c"], 1)
    assert [(u.record_id, u.fingerprint, u.fault.path) for u in planned.faults[1:]] == [
        (None, "", "x")
    ]
    assert planned.faults[0].fault.path == "xy/c.hea"
    assert planned.faults[1].fault == Fault(
        "x",
        "catalog",
        "PermissionError",
        f"folder x in {root} could not be listed: links to folders are not followed",
    )


def test_nothing_is_told_as_vanished_where_names_are_hidden_and_a_folder_was_not_listed(
    archive,
) -> None:
    root = archive({"a.hea": ONE})
    (root / "x").symlink_to(root.parent)
    source = Source(str(root))
    hide = Deidentifier(b"0123456789abcdef").name
    known = {name: Known(name, (), "", "1") for name in (hide("record", "x/b"), "r0")}

    planned = plan_records(source, source.listing(), known, "1", hide)

    assert planned.vanished == []
    assert len(planned.faults) == 1


def test_a_folder_whose_name_cannot_be_printed_is_told_by_one_that_can(archive, plan) -> None:
    root = archive({"a.hea": ONE})
    (root / os.fsdecode(b"\xff")).symlink_to("..")

    (unread,) = plan(root).faults

    assert unread.fault.path == "\\udcff"
    assert "folder \\udcff in" in unread.fault.reason


def test_a_header_that_does_not_parse_is_a_fault_once_until_it_changes(archive, plan) -> None:
    root = archive({"a.hea": ONE.format("a"), "b.hea": "b 1 250 10\n../b.dat 16\n"})

    first = plan(root)
    second = plan(root, first)
    (root / "b.hea").write_text(ONE.format("b"))
    third = plan(root, first)

    assert read_by(first) == {"a": "new"}
    assert first.found == 2
    assert [(unread.record_id, unread.fault.step) for unread in first.faults] == [("b", "header")]
    assert (second.faults, second.unchanged, second.found) == ([], ["a", "b"], 2)
    assert read_by(third) == {"b": "changed"}


def test_records_that_name_each_other_are_both_records_with_faults(archive, plan) -> None:
    root = archive({"a.hea": "a/1 1 250 10\nb 10\n", "b.hea": "b/1 1 250 10\na 10\n"})

    assert read_by(plan(root)) == {"a": "new", "b": "new"}


def test_what_cannot_be_fetched_is_tried_every_night_and_holds_back_possible_segments(
    archive,
) -> None:
    source = Source(str(two_records(archive)))
    listing = source.listing()
    read = source.read
    source.read = lambda paths, seen=None: {
        path: OSError(f"{path} timed out") if path == "m.hea" else content
        for path, content in read(paths).items()
    }

    planned = plan_records(source, listing, {}, "1")

    assert read_by(planned) == {}
    assert [(u.record_id, u.fingerprint, u.fault.step) for u in planned.faults] == [
        ("m", "", "fetch")
    ]
    assert planned.faults[0].fault.reason == (
        "m.hea timed out; 3 new headers beside it wait, since they may be its segments"
    )


def test_a_planned_record_has_all_that_its_tree_needs(archive, plan) -> None:
    root = two_records(archive)
    record = plan(root).to_read[1]

    tree, _ = load_tree(
        Source(str(root)).read, record.record_id, {entry.path: entry for entry in record.entries}
    )

    assert (tree.files, sorted(tree.segments)) == (record.files, ["s1", "s2"])
    assert tree.absent == {"s1.dat", "s2.dat", "mn.hea", "mn.csv.gz"}


def test_a_deidentified_lake_is_compared_by_hidden_names(archive) -> None:
    root = two_records(archive)
    source = Source(str(root))
    hide = Deidentifier(b"0123456789abcdef").name
    plain = plan_records(source, source.listing(), {}, "1")
    first = plan_records(source, source.listing(), {}, "1", hide)
    known = {
        hide("record", r.record_id): Known(
            hide("record", r.record_id),
            tuple(hide("file", path) for path in r.files),
            r.fingerprint,
            "1",
        )
        for r in first.to_read
    }

    second = plan_records(source, source.listing(), known, "1", hide)
    (root / "a.dat").write_text("longer")
    third = plan_records(source, source.listing(), known, "1", hide)

    assert first.to_read[0].fingerprint != plain.to_read[0].fingerprint
    assert replace(first.to_read[0], fingerprint="") == replace(plain.to_read[0], fingerprint="")
    assert (second.to_read, sorted(second.unchanged), second.vanished) == ([], sorted(known), [])
    assert read_by(third) == {"a": "changed"}


def test_an_archive_in_s3_is_planned_as_on_disk(archive, s3: s3fs.S3FileSystem) -> None:
    root = two_records(archive)
    for file in root.iterdir():
        s3.pipe(f"archive-bucket/in/{file.name}", file.read_bytes())
    source = Source("s3://archive-bucket/in")

    first = plan_records(source, source.listing(), {}, "1")
    again = plan_records(source, source.listing(), known_after(first), "1")
    s3.pipe("archive-bucket/in/s1.dat", b"now it is there")
    later = plan_records(source, source.listing(), known_after(first), "1")

    assert read_by(first) == {"a": "new", "m": "new"}
    assert (again.to_read, again.unchanged) == ([], ["a", "m"])
    assert read_by(later) == {"m": "changed"}
