"""Any header, signal bytes and table, from the listing of an archive to data files."""

import gzip
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.catalog import load_tree, plan_records
from ops.ingest_record import Identity, ingest_record
from ops.lake import Lake
from ops.source import Source
from schemas.quarantine import STEPS

IDENTITY = Identity("ward", "r", "p", None, "run")
odd = st.sampled_from(
    ["0", "-1", "nan", "1e308", "5e-324", "1000000000000", "9" * 30, "\u0663", "", "1/0", "a" * 300]
)


def usually(*words: str, hostile: st.SearchStrategy[str] = odd) -> st.SearchStrategy[str]:
    """Draw one of some words, and now and then a hostile one."""
    plain = st.sampled_from(words)
    return st.integers(0, 9).flatmap(lambda n: hostile if n == 0 else plain)


names = usually(
    "r.dat",
    "s.dat",
    "~",
    hostile=st.sampled_from(
        ["../r.dat", "/etc/passwd", "s3://b/r", "a::b", "r.hea", "..", "\ufffd"]
    ),
)
signal_lines = st.tuples(
    names,
    usually("16", "212", "8", "80", "310", "311", "24", "32", "516", "16x2", "16:3", "212+5"),
    usually("200/mV", "200(5)", "1/mmHg", "0", "-1"),
    usually("16"),
    usually("0"),
    usually("0", "7"),
    usually("0"),
    usually("0"),
    st.sampled_from(["II", "ABP", "PLETH", "II", "RESP", "", "II II"]),
).map(" ".join)
record_lines = st.tuples(
    usually("125", "250", "62.4725/999.56(5)", "1", "360"),
    usually("500", "0", "37", "1001"),
    usually("12:00:00"),
    usually("26/10/2137", "01/01/0000", "31/12/9999"),
).map(" ".join)
headers = st.lists(signal_lines, max_size=4).flatmap(
    lambda lines: record_lines.map(lambda rest: "\n".join([f"r {len(lines)} {rest}", *lines]))
)
masters = st.lists(
    st.tuples(usually("r", "~", "s", "m"), usually("500", "0", "1", "40000")).map(" ".join),
    min_size=1,
    max_size=6,
).map(lambda lines: "\n".join([f"m/{len(lines)} 1 125", *lines]))
cells = st.sampled_from(["", "1", "-2.5", "nan", "1e999", '"', "\r", "a,b", "\x00", "9" * 400])
tables = st.lists(st.lists(cells, max_size=4).map(",".join), max_size=5).map(
    lambda rows: gzip.compress("\n".join(["time,HR [bpm],RR", *rows]).encode())
)


@settings(max_examples=120, deadline=None)
@given(
    header=headers,
    master=st.one_of(st.none(), masters),
    table=st.one_of(st.none(), tables, st.binary(max_size=60)),
    counts=st.tuples(st.binary(max_size=3000), st.integers(0, 4000)),
)
def test_any_record_is_read_or_refused_in_sentences(
    header: str, master: str | None, table: bytes | None, counts: tuple[bytes, int]
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        root.mkdir()
        (root / "r.hea").write_text(header, encoding="utf-8")
        (root / "r.dat").write_bytes(counts[0] * (counts[1] // (len(counts[0]) or 1) + 1))
        if master is not None:
            (root / "m.hea").write_text(master, encoding="utf-8")
        if table is not None:
            (root / "rn.csv.gz").write_bytes(table)
        source = Source(str(root))
        plan = plan_records(source, source.listing(), {}, "1")
        faults = [unread.fault for unread in plan.faults]
        told = {fault.path for fault in faults}
        for planned in plan.to_read:
            listed = {entry.path: entry for entry in planned.entries}
            tree, unread = load_tree(source.read, planned.record_id, listed)
            fetched = partial(source.fetched, tree.folder, scratch=Path(folder))
            ingested = ingest_record(tree, IDENTITY, fetched, Lake(f"{folder}/lake"))
            stored = sum(file.n_rows for file in ingested.files["windows"])
            assert stored == ingested.n_windows
            faults += [*unread, *ingested.faults]
            told |= set(planned.files)

    assert {"r.hea"} <= told
    assert master is None or "m.hea" in told
    assert all(fault.step in STEPS and fault.reason.isprintable() for fault in faults)
