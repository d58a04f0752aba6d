"""Whatever an archive holds, a night after it finds the same and reads nothing again."""

import uuid

import fsspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.catalog import Known, Plan, load_tree, plan_records
from ops.source import Source

NAMES = ("a", "an", "b", "bn", "c_1", "c_2")
FOLDERS = ("", "x/", "x/y/")


def header(name: str, parts: list[str]) -> str:
    if parts:
        return f"{name}/{len(parts)} 1 1 10\n" + "".join(f"{part} 10\n" for part in parts)
    return f"{name} 1 1 10\n{name}.dat 16 200/mV 12 0 0 0 0 II\n"


headers = st.one_of(
    st.lists(st.sampled_from([*NAMES, "~"]), max_size=3).map(lambda p: ("parts", p)),
    st.just(("broken", [])),
)
archives = st.tuples(
    st.dictionaries(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)), headers),
    st.dictionaries(
        st.sampled_from(FOLDERS),
        st.lists(st.sampled_from([*NAMES, "x/", "x/a", "y/", "y/b", "../a", "gone", "."])),
        max_size=2,
    ),
)


def written(archive) -> Source:
    files = fsspec.filesystem("memory")
    root = f"/{uuid.uuid4().hex}"
    trees, catalogs = archive
    files.pipe(f"{root}/notes.txt", b"-")
    for (folder, name), (kind, parts) in trees.items():
        text = header(name, parts) if kind == "parts" else "-\n"
        files.pipe(f"{root}/{folder}{name}.hea", text.encode())
    for folder, lines in catalogs.items():
        files.pipe(f"{root}/{folder}RECORDS", "\n".join(lines).encode())
    return Source(f"memory:/{root}")


def known_after(plan: Plan) -> dict[str, Known]:
    read = {r.record_id: Known(r.record_id, r.files, r.fingerprint, "1") for r in plan.to_read}
    return read | {
        u.record_id: Known(u.record_id, (u.fault.path,), u.fingerprint, "1")
        for u in plan.faults
        if u.record_id and u.fault.step == "header"
    }


@settings(max_examples=60, deadline=None)
@given(archives)
def test_a_second_night_finds_the_same_and_reads_nothing(archive) -> None:
    source = written(archive)
    listing = source.listing()

    first = plan_records(source, listing, {}, "1")
    known = known_after(first)
    second = plan_records(source, listing, known, "1")

    assert len(known) == first.found == second.found
    assert (second.to_read, second.vanished) == ([], [])
    assert sorted(second.unchanged) == sorted(known)


@settings(max_examples=60, deadline=None)
@given(archives)
def test_every_header_is_a_record_or_part_of_one_or_unlisted(archive) -> None:
    source = written((archive[0], {}))
    listing = source.listing()

    plan = plan_records(source, listing, {}, "1")
    trees = [load_tree(source.read, record.record_id, listing)[0] for record in plan.to_read]

    parts = {path for tree in trees for path in tree.files if path not in tree.absent}
    broken = {unread.fault.path for unread in plan.faults}
    orphans = {path for path in listing if path.endswith("n.hea")}
    assert {path for path in listing if path.endswith(".hea")} <= parts | broken | orphans
    assert all(record.fingerprint for record in plan.to_read)
