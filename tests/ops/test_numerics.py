import gzip
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.fuzz_watch import peak_growth
from ops import numerics_csv, numerics_record
from ops.fault import Fault
from ops.header import parse_header
from ops.numerics import numerics_by_name
from ops.numerics_record import clock_offset_s
from ops.record_tree import RecordTree

PARENT = b"r 1 62.4725/1000 100000 10:00:00.000 26/10/2137\nr.dat 16 200 16 0 0 0 0 II\n"
SCHEMA = {
    "name": pl.String,
    "quantity": pl.String,
    "start_s": pl.Float64,
    "value": pl.Float64,
    "unit": pl.String,
}


def read(folder: Path, parent: bytes = PARENT, absent: frozenset[str] = frozenset()) -> tuple[
    pl.DataFrame, list[Fault]
]:  # fmt: skip
    names = tuple(sorted(path.name for path in folder.glob("rn.*") if path.suffix != ".dat"))
    tree = RecordTree("p/r", "p", parse_header(parent, "r"), {}, names, (), absent)
    faults: list[Fault] = []

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        yield folder

    def bring(names: Sequence[str]) -> AbstractContextManager[Path]:
        return fetched(names)

    return together(numerics_by_name(tree, bring, faults)), faults


def together(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=SCHEMA), *frames])


def a_minute(folder: Path, rows: list[list[int]], names: str, clock: str = "10:00:00.000") -> None:
    lines = [f"rn.dat 16 1/mmHg 16 0 0 0 0 {name}" for name in names.split()]
    head = f"rn {len(lines)} 0.0166666666667/125 {len(rows)} {clock} 26/10/2137"
    (folder / "rn.hea").write_text("\n".join([head, *lines]))
    (folder / "rn.dat").write_bytes(np.array(rows, "<i2").tobytes())


def packed(folder: Path, text: str) -> None:
    (folder / "rn.csv.gz").write_bytes(gzip.compress(text.encode()))


def values(frame: pl.DataFrame, name: str) -> list[tuple[float, float | None]]:
    rows = frame.filter(pl.col("name") == name).select("start_s", "value").rows()
    return [(start_s, value) for start_s, value in rows]


def test_numerics_run_on_their_parents_clock(tmp_path: Path) -> None:
    a_minute(tmp_path, [[70], [71]], "HR", clock="10:00:30.000")
    frame, faults = read(tmp_path)

    assert values(frame, "HR") == [(30.0, 70.0), (90.0, 71.0)]
    assert frame["quantity"].to_list() == ["heart_rate", "heart_rate"]
    assert not faults


@pytest.mark.parametrize("clock", ["31:25.894", "nonsense", "23:59:59"])
def test_an_implausible_clock_counts_as_the_same_start(tmp_path: Path, clock: str) -> None:
    a_minute(tmp_path, [[70]], "HR", clock=clock)
    frame, _ = read(tmp_path)

    assert values(frame, "HR") == [(0.0, 70.0)]


def test_times_of_day_are_compared_across_midnight() -> None:
    parent = parse_header(b"r 0 125 1000000 23:59:30\n", "r")
    numerics = parse_header(b"rn 0 0.0166666666667 10 0:00:30\n", "rn")

    assert clock_offset_s(parent, numerics) == 60.0


def test_a_zero_that_stands_for_nothing_becomes_null(tmp_path: Path) -> None:
    a_minute(tmp_path, [[0, 0, 0, 0, 0]], "HR ABPSys SpO2 ST-V CVP")
    frame, _ = read(tmp_path)

    assert dict(frame.select("name", "value").rows()) == {
        "HR": None, "ABPSys": None, "SpO2": None, "ST-V": 0.0, "CVP": 0.0,
    }  # fmt: skip


def test_a_repeated_cuff_value_keeps_its_first_time(tmp_path: Path) -> None:
    rows = [[120, 80, 70]] * 3 + [[120, 82, 71]] * 2 + [[-32768, -32768, 72]] + [[120, 82, 72]]
    a_minute(tmp_path, rows, "NBPSys NBPDias HR")
    frame, _ = read(tmp_path)

    assert values(frame, "NBPSys") == [(0.0, 120.0), (180.0, 120.0)]
    assert values(frame, "NBPDias") == [(0.0, 80.0), (180.0, 82.0)]
    assert len(values(frame, "HR")) == 7


def test_ticks_of_the_counter_become_seconds(tmp_path: Path) -> None:
    packed(tmp_path, '"time","HR [bpm]","NBPs [mmHg]"\n500,70,\n1500,,120\n1500,,120\n2500,0,120\n')
    frame, faults = read(tmp_path)

    assert values(frame, "HR") == [(0.5, 70.0), (2.5, None)]
    assert values(frame, "NBPs") == [(1.5, 120.0)]
    assert frame["unit"].unique().sort().to_list() == ["bpm", "mmHg"]
    assert not faults


def test_a_value_is_preferred_to_a_zero_at_the_same_time(tmp_path: Path) -> None:
    packed(tmp_path, "time,HR [bpm]\n1000,0\n1000,70\n")
    frame, _ = read(tmp_path)

    assert values(frame, "HR") == [(1.0, 70.0)]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"not gzip", "no gzip file"),
        (gzip.compress(b"a,b\n1,2\n"), "does not begin with a column called time"),
        (gzip.compress(b"time,HR\n1,2\n1,2,3\n"), "does not parse as columns of numbers"),
        (gzip.compress(b"time,HR\n" + b"1,70\n" * 50)[:-12], "ends before"),
        (gzip.compress(b"time" + b" " * 2**22), "has a line of more than"),
        (gzip.compress(b""), "does not begin"),
        (gzip.compress(b"time,HR\rRR\n1,2,3\n"), "names of columns in rn.csv.gz do not parse"),
        (gzip.compress(b"time," + b"H" * 140_000), "names of columns in rn.csv.gz do not parse"),
        (gzip.compress(b"time" + b",HR" * 1000), "has 1001 columns, more than 1000"),
    ],
    ids=["no gzip", "no time", "ragged", "cut", "no lines", "empty", "return", "long", "wide"],
)
def test_a_malformed_table_is_one_fault(tmp_path: Path, raw: bytes, why: str) -> None:
    (tmp_path / "rn.csv.gz").write_bytes(raw)
    a_minute(tmp_path, [[70]], "HR")
    frame, faults = read(tmp_path)

    assert [(fault.path, fault.step) for fault in faults] == [("p/rn.csv.gz", "numerics")]
    assert why in faults[0].reason
    assert values(frame, "HR") == [(0.0, 70.0)]


def test_a_cell_that_is_no_number_costs_that_cell_alone(tmp_path: Path) -> None:
    lines = ["1000,70,91", "2000,foo,92", "x,71,93", '4000,"72", 94', "5000,a\u00e9,--", "6000,,"]
    packed(tmp_path, "\n".join(["time,HR [bpm],SpO2 [%]", *lines]))
    frame, faults = read(tmp_path)

    assert values(frame, "HR") == [(1.0, 70.0), (4.0, 72.0)]
    assert values(frame, "SpO2") == [(1.0, 91.0), (2.0, 92.0), (4.0, 94.0)]
    assert faults == [
        Fault(
            "p/rn.csv.gz",
            "numerics",
            "NumericsError",
            "cells of rn.csv.gz that are no numbers: 2 in 'HR [bpm]', 1 in 'time', 1 in 'SpO2 [%]'",
        )
    ]


@pytest.mark.parametrize("cell", [b'"foo', b'fo"o', b"\xff\xfe", b"1e", b'"a,b"'])
def test_a_cell_of_any_characters_leaves_the_others(tmp_path: Path, cell: bytes) -> None:
    raw = b"time,HR,RR\n1000,70,12\n2000," + cell + b",13\n3000,72,14\n"
    (tmp_path / "rn.csv.gz").write_bytes(gzip.compress(raw))
    frame, faults = read(tmp_path)

    assert values(frame, "HR") == [(1.0, 70.0), (3.0, 72.0)]
    assert values(frame, "RR") == [(1.0, 12.0), (2.0, 13.0), (3.0, 14.0)]
    assert [fault.reason for fault in faults] == [
        "cells of rn.csv.gz that are no numbers: 1 in 'HR'"
    ]


def test_columns_of_one_name_are_counted_together(tmp_path: Path) -> None:
    packed(tmp_path, "time,HR,HR\n1000,x,y\n2000,z,70\n")
    frame, faults = read(tmp_path)

    assert values(frame, "HR") == [(2.0, 70.0)]
    assert faults[0].reason == "cells of rn.csv.gz that are no numbers: 3 in 'HR'"


def test_columns_of_text_are_counted_and_the_worst_are_named(tmp_path: Path) -> None:
    names = [f"C{number}" for number in range(7)]
    packed(tmp_path, ",".join(["time", *names]) + "\n1000" + ",x" * 7 + "\n")
    _, faults = read(tmp_path)

    assert faults[0].reason.endswith("1 in 'C4' and 2 more columns")


def test_a_bomb_meets_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numerics_csv, "MAX_CSV_BYTES", 10_000)
    packed(tmp_path, "time,HR\n" + "1,70\n" * 10_000)
    _, faults = read(tmp_path)

    assert "unpacks to more than 10000 bytes" in faults[0].reason


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (b",", "more than 20000000 cells"),
        (b",x", "more than 5000000 cells that are no numbers"),
        (b",7", "more than 3000000 values of one name"),
    ],
    ids=["empty", "text", "numbers"],
)
def test_a_wide_table_of_little_is_refused_in_seconds_and_little_memory(
    tmp_path: Path, cell: bytes, why: str
) -> None:
    row = b"1" + cell * 999 + b"\n"
    heading = b"time" + b",HR [bpm]" * 999 + b"\n"
    (tmp_path / "rn.csv.gz").write_bytes(gzip.compress(heading + row * 2**15, 1))
    before_s = time.process_time()
    with peak_growth() as grown_mib:
        frame, faults = read(tmp_path)

    assert frame.is_empty()
    assert [fault.reason for fault in faults] == [f"rn.csv.gz has {why}"]
    assert time.process_time() - before_s < 5
    assert grown_mib[0] < 256


def test_short_lines_of_a_wide_table_are_read_in_little_memory(tmp_path: Path) -> None:
    heading = "time" + ",HR [bpm]" * 999 + "\n"
    packed(tmp_path, heading + "1" + "," * 998 + ",70\n" + "2,71\n" * 15_000)
    with peak_growth() as grown_mib:
        frame, faults = read(tmp_path)

    assert faults == []
    assert values(frame, "HR") == [(0.001, 70.0), (0.002, 71.0)]
    assert grown_mib[0] < 128


def test_real_tables_are_read_whole(real_wfdb: Path) -> None:
    parent, odd = parse_header(PARENT, "r"), Counter[str]()
    tables = sorted((real_wfdb / "mimic4wdb").rglob("*n.csv.gz"))
    n_values = [
        sum(part.values.height for part in numerics_csv.read_csv(table, parent, odd))
        for table in tables
    ]

    assert n_values == [132_524, 24_832]
    assert not odd


def test_signals_that_unpack_to_more_values_than_numerics_have_are_one_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numerics_record, "MAX_VALUES", 100)
    a_minute(tmp_path, [[70, 71]] * 51, "HR PULSE")
    frame, faults = read(tmp_path)

    assert frame.is_empty()
    assert [fault.reason for fault in faults] == ["rn.dat has more than 100 values"]


def test_a_truncated_signal_file_is_one_fault(tmp_path: Path) -> None:
    a_minute(tmp_path, [[70], [71]], "HR")
    (tmp_path / "rn.dat").write_bytes(b"12")
    frame, faults = read(tmp_path)

    assert faults == [
        Fault(
            "p/rn.hea",
            "numerics",
            "SignalFileError",
            "signal file rn.dat has 2 bytes, its header needs 4",
        )
    ]
    assert frame.is_empty()


def test_an_absent_signal_file_is_one_fault(tmp_path: Path) -> None:
    a_minute(tmp_path, [[70]], "HR")
    _, faults = read(tmp_path, absent=frozenset({"p/rn.dat"}))

    assert [fault.error for fault in faults] == ["FileNotFoundError"]


def test_a_waveform_record_is_no_numerics(tmp_path: Path) -> None:
    a_minute(tmp_path, [[70]], "HR")
    text = (tmp_path / "rn.hea").read_text().replace("0.0166666666667", "125")
    (tmp_path / "rn.hea").write_text(text)
    _, faults = read(tmp_path)

    assert "which numerics have not" in faults[0].reason


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.integers(-9, 9))] * 3), max_size=12
    ),
    st.binary(max_size=20),
)  # fmt: skip
def test_whatever_is_in_a_table_a_name_and_time_has_one_row(
    tmp_path: Path, rows: list[tuple[int | None, ...]], tail: bytes
) -> None:
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    text = "\n".join(["time,HR [bpm],NBPs [mmHg]", *lines, ""]).encode() + tail
    (tmp_path / "rn.csv.gz").write_bytes(gzip.compress(text))
    frame, faults = read(tmp_path)

    assert frame.schema == SCHEMA
    assert not frame.select("name", "start_s").is_duplicated().any()
    assert len(faults) <= 1
    assert not frame.filter(pl.col("value") == 0).height


def test_real_numerics_hold_what_their_monitors_wrote(real_wfdb: Path) -> None:
    folder = real_wfdb / "samples" / "multi-segment" / "s25047"
    name = "s25047-2704-05-04-10-44"
    tree = RecordTree(
        name,
        "",
        parse_header((folder / f"{name}.hea").read_bytes(), name),
        {},
        (f"{name}n.hea",),
        (),
        frozenset(),
    )

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        yield folder

    frame = together(numerics_by_name(tree, fetched, []))

    assert values(frame, "HR")[:3] == [(0.0, 101.3), (60.0, 103.0), (120.0, 89.5)]
    assert values(frame, "NBPSys")[:2] == [(120.0, 87.0), (180.0, 92.0)]
    assert values(frame, "PULSE")[0] == (0.0, None)
