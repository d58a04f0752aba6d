import contextlib
import time as clock
from datetime import datetime, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.header import (
    MAX_FRAMES,
    Header,
    HeaderError,
    SegmentSpec,
    SignalSpec,
    check_file_name,
    parse_header,
)


def parse(*lines: str) -> Header:
    return parse_header("\n".join(lines).encode(), "r")


def test_a_signal_line_says_how_its_counts_are_stored() -> None:
    header = parse(
        "r 1 62.4725/999.56(5120) 320", "r_e.dat 516x4:2+24 200(-5)/mV 14 8192 7 512 0 II"
    )

    assert header.fs == 62.4725
    assert header.counter_fs == 999.56
    assert header.base_counter == 5120
    assert header.n_frames == 320
    assert header.signals == (
        SignalSpec("r_e.dat", "516", 4, 2, 24, 200.0, -5, "mV", 512, "II", initial=7),
    )


def test_what_a_header_leaves_out_has_its_default() -> None:
    header = parse("r 1", "r.dat 16")

    assert header.fs == header.counter_fs == 250
    assert header.n_frames is None
    assert header.start_time is None
    assert header.signals == (SignalSpec("r.dat", "16", 1, 0, 0, 0.0, 0, "mV", None, ""),)


def test_the_zero_of_the_converter_stands_in_for_the_baseline() -> None:
    header = parse("r 1 360 650000", "r.dat 212 200 11 1024 995 -22131 0 MLII")

    assert header.signals[0].baseline == 1024


@pytest.mark.parametrize("gain", ["0", "-200", "1.052e+04", "0.5", "1e-9", "-1e12"])
def test_any_gain_that_a_converter_can_have_is_taken(gain: str) -> None:
    assert parse("r 1 250 10", f"r.dat 16 {gain}").signals[0].adc_gain == float(gain)


@pytest.mark.parametrize("gain", ["1e-300", "-1e-10", "1e13", "-5e-324", "1e308"])
def test_a_gain_that_no_converter_has_is_refused(gain: str) -> None:
    with pytest.raises(HeaderError, match=f"must be 0 or 1e-09 to 1e\\+12 in size, got {gain}"):
        parse("r 1 250 10", f"r.dat 16 {gain}")


def test_segments_and_gaps_come_in_order() -> None:
    header = parse("r/3 2 125 100", "r_layout 0", "~ 40", "r_0001 60", "# <age>: 60")

    assert header.segments == (
        SegmentSpec("r_layout", 0), SegmentSpec("~", 40), SegmentSpec("r_0001", 60),
    )  # fmt: skip
    assert header.signals == ()
    assert header.comments == ("<age>: 60",)


def test_the_signals_of_a_layout_have_no_file() -> None:
    header = parse("r_layout 1 125 0 16:57:09", "~ 0 255(-128)/NU 8 0 -128 0 0 PLETH")

    assert header.signals[0].file_name == "~"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("16:57:09.500 26/10/2137", datetime.fromisoformat("2137-10-26T16:57:09.500000")),
        ("1:56:25", time(1, 56, 25)),
        ("31:25.894", time(0, 31, 25, 894_000)),
        ("31:25 31/02/2137", None),
        ("25:00:00", None),
        ("noon", None),
    ],
)
def test_a_start_is_read_or_unknown(written: str, meant: datetime | time | None) -> None:
    assert parse(f"r 0 125 10 {written}").start_time == meant


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "has no record line"),
        (("r",), "has no record line"),
        (("r 2 125", "r.dat 16"), "announces 2 signals and lists 1"),
        (("r/2 1 125", "a 1"), "announces 2 segments and lists 1"),
        (("r 1 -125", "r.dat 16"), "sampling rate"),
        (("r 1 nan", "r.dat 16"), "is not a number"),
        (("r 1 5e-324 1000", "r.dat 16"), r"must be in \[1e-06, 100000\] Hz, got 5e-324"),
        (("r 1 125 1", "r.dat sixteen"), "a signal line that does not parse"),
        (("r/1 1 125 1", "a many"), "a segment line that does not parse"),
        (("r 1 125 1", "r.dat 16 inf"), "gain"),
        (("r 1 125 99999999999999999999999", "r.dat 16"), "length"),
        (("r 9999999 125",), "number of signals"),
        (("r 1 125 1", "r.dat 16 1(" + "9" * 5000 + ")"), "a count of more than 32 bits"),
        (("r 1 125 1", "r.dat 16x99999"), "samples a frame"),
    ],
)
def test_what_is_refused_is_refused_in_one_sentence(lines: tuple[str, ...], why: str) -> None:
    with pytest.raises(HeaderError, match=why):
        parse(*lines)


@pytest.mark.parametrize(
    "name", ["../r.dat", "/etc/passwd", "a/b.dat", "..", ".", "a\\b", "s3://b/r"]
)
def test_a_file_outside_the_records_folder_is_refused(name: str) -> None:
    with pytest.raises(HeaderError, match="outside its folder"):
        parse("r 1 125 1", f"{name} 16")


@pytest.mark.parametrize("name", ["-", "r\x00.dat", "r\u202e.dat", "a" * 256, "a::b.dat"])
def test_what_no_file_is_called_is_refused_by_that_reason(name: str) -> None:
    with pytest.raises(HeaderError, match="can't be a file name"):
        parse("r 1 125 1", f"{name} 16")
    with pytest.raises(HeaderError, match="can't be a file name"):
        parse("r/1 1 125 1", f"{name} 1")


@pytest.mark.parametrize(
    "name", ["p\u00e4cient.dat", "\u5fc3\u7535.dat", "a(1),[2]=%.dat", ".r", "a" * 255]
)
def test_any_printable_name_is_taken(name: str) -> None:
    assert parse("r 1 125 1", f"{name} 16").signals[0].file_name == name
    assert parse("r/1 1 125 1", f"{name} 1").segments[0].name == name


@given(st.text(max_size=300))
def test_a_name_that_is_taken_stays_in_its_folder(name: str) -> None:
    try:
        check_file_name(name, "r")
    except HeaderError:
        return

    assert (Path("/folder") / name).resolve().parent == Path("/folder")
    assert name.split() == [name]


words = st.sampled_from(
    ["r", "r/2", "1", "2", "250", "1e999", "~", "r.dat", "../x", "16", "16x4:1+24", "212", "nan",
     "200(1)/mV", "0", "-1", "9" * 400, "16:57:09", "1/1/2000", "#", "II", "\u00b2", "\u0663",
     "(", "/", " " * 99]
)  # fmt: skip
grammatical = st.lists(st.lists(words, max_size=12).map(" ".join), max_size=6).map("\n".join)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=400), grammatical.map(str.encode)))
def test_any_bytes_parse_or_are_refused(raw: bytes) -> None:
    try:
        header = parse_header(raw, "r")
    except HeaderError:
        return

    assert header.fs > 0
    assert header.n_frames is None or 0 <= header.n_frames <= MAX_FRAMES
    assert all("/" not in signal.file_name for signal in header.signals)
    assert all(segment.n_frames >= 0 for segment in header.segments)


@pytest.mark.parametrize("filler", [" ", "1", "a", "/", "(", "1 ", "a/", ".", "-1 ", "~ "])
def test_a_line_of_a_megabyte_is_settled_in_a_moment(filler: str) -> None:
    long = filler * (2**20 // len(filler))
    began = clock.monotonic()
    for lines in (
        ("r 1 250 " + long,),
        (long,),
        ("r 1", "r.dat 16 " + long + "\x01("),
        ("r/1 1", long),
    ):
        with contextlib.suppress(HeaderError):
            parse(*lines)

    assert clock.monotonic() - began < 2


def test_every_real_header_parses(real_wfdb: Path) -> None:
    paths = sorted(real_wfdb.rglob("*.hea"))
    headers = [parse_header(path.read_bytes(), path.stem) for path in paths]

    assert len(headers) > 150
    assert all(header.signals or header.segments for header in headers)
