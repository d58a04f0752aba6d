import ctypes
import os
import socket
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from bench.fuzz import bars, failures, outcomes
from bench.fuzz_cases import lay_out, make_case
from bench.fuzz_night import Night, Told
from bench.fuzz_seeds import Seed, real_seeds
from bench.fuzz_spoil import Link, ways_of
from bench.fuzz_watch import Trap, Watch, peak_growth
from infra.demo.numerics import write_numerics
from infra.demo.simulate import Patient, Strip, simulate
from infra.demo.wfdb_write import Clock, Signal, write_layout, write_master, write_record

CASES = 320
AT_ONCE = 40
WATCH = Watch()


def signals(strip: Strip, fmt: str = "16", files: str = "eee") -> list[Signal]:
    e, p, a = files
    return [
        Signal("II", "mV", strip.ecg, 500.0, fmt=fmt, file=e),
        Signal("PLETH", "NU", strip.ppg, 1000.0, fmt=fmt, file=p),
        Signal("ABP", "mmHg", strip.abp, 10.0, fmt=fmt, file=a),
    ]


def simulated_seeds(folder: Path) -> list[Seed]:
    """Records of 8 s in three formats, and one of two segments with numerics."""
    patient = Patient("p", seed=1)
    strip, clock = simulate(patient, 8.0, 125.0), Clock(125.0, counter_fs=999.56)
    write_record(folder / "one file", "r", signals(strip), clock)
    write_record(folder / "packed", "r", signals(strip, "212", "eep"), clock, ["<age>: 60"])
    write_record(folder / "FLAC", "r", signals(strip, "516", "epa"), clock)
    segments = folder / "segments"
    for name in ("s1", "s2"):
        write_record(segments, name, signals(strip), clock)
    write_layout(segments, "s0", signals(strip), clock)
    parts = [("s0", 0), ("s1", 1000), ("~", 500), ("s2", 1000)]
    write_master(segments, "r", parts, 3, clock)
    write_numerics(segments / "rn.csv.gz", patient, simulate(patient, 40.0, 125.0))
    return [
        Seed(one.name, {file.name: file.read_bytes() for file in sorted(one.iterdir())})
        for one in sorted(folder.iterdir())
    ]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Seed]:
    return simulated_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def told(seeds, tmp_path_factory) -> list[Told]:
    night = Night(0, seeds, tmp_path_factory.mktemp("night"), WATCH)
    return [one for first in range(0, CASES, AT_ONCE) for one in night.run(first, first + AT_ONCE)]


def test_hundreds_of_spoilt_records_are_read_or_refused_and_nothing_else_happens(told) -> None:
    assert len(told) == CASES
    assert [one for one in told if one.failures or one.for_now] == []
    assert max(one.cpu_seconds for one in told) < 5
    assert max(one.peak_mib for one in told) < 256


def test_the_cases_are_of_every_kind(told) -> None:
    assert {one.outcome for one in told} == {"read", "partly", "refused", "nothing"}
    assert {one.seed for one in told} == {"FLAC", "made up", "one file", "packed", "segments"}
    assert len({way for one in told for way in one.ways}) == 17


def test_a_record_that_is_not_spoilt_is_read_whole(seeds, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bench.fuzz_cases.MADE_UP_SHARE", 0.0)
    monkeypatch.setattr("bench.fuzz_cases.ways_of", lambda files: [("none", lambda *_: None)])
    ran = Night(0, seeds, tmp_path, WATCH).run(0, 8)

    assert {(one.outcome, *one.failures) for one in ran} == {("read",)}


def test_a_case_is_the_same_whenever_it_is_made(seeds, tmp_path) -> None:
    cases = [make_case(0, 7, seeds, tmp_path) for _ in range(2)]

    assert cases[0] == cases[1]
    assert make_case(1, 7, seeds, tmp_path).files != cases[0].files


def test_a_way_is_offered_where_it_has_something_to_spoil(seeds) -> None:
    by_name = {seed.name: {n.encode(): c for n, c in seed.files.items()} for seed in seeds}
    offered = {name: {way for way, _ in ways_of(files)} for name, files in by_name.items()}

    assert "signals: FLAC's own header" in offered["FLAC"] - offered["packed"]
    assert "table: hostile cells" in offered["segments"] - offered["FLAC"]


def test_a_link_is_laid_out_and_nothing_is_written_through_it(seeds, tmp_path) -> None:
    (tmp_path / "outside").mkdir()
    case = make_case(0, 0, seeds, tmp_path)
    case.files.clear()
    case.files.update({b"out": Link(bytes(tmp_path / "outside")), b"out/RECORDS": b"r\n"})
    lay_out(case, tmp_path / "archive")

    assert (tmp_path / "archive" / case.folder / "out").is_symlink()
    assert list((tmp_path / "outside").iterdir()) == []


def test_what_is_opened_outside_is_heard(tmp_path) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out" / "file")
    trap = Trap(tmp_path / "out")
    with WATCH.only(tmp_path / "in"):
        (tmp_path / "in" / "file").read_bytes()
    inside = (list(WATCH.trespasses), trap.sprung())
    with WATCH.only(tmp_path / "in"):
        (tmp_path / "in" / "link").read_bytes()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 9), timeout=1)
    heard = [one.split()[0] for one in WATCH.trespasses]
    outside = (list(WATCH.trespasses), trap.sprung())
    WATCH.trespasses.clear()

    assert inside == ([], False)
    assert outside[0][0] == f"open {tmp_path / 'out' / 'file'}"
    assert outside[1]
    assert "socket.connect" in heard


def test_what_c_opens_by_itself_springs_the_trap(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    trap = Trap(tmp_path)
    libc = ctypes.CDLL(None)
    libc.close(libc.open(os.fsencode(tmp_path / "file"), os.O_RDONLY))

    assert trap.sprung()
    assert not trap.sprung()


def test_memory_that_came_and_went_is_seen() -> None:
    with peak_growth() as grown:
        np.ones(2**24).sum()

    assert 100 < grown[0] < 200


def test_a_case_that_failed_misses_a_bar_and_is_named() -> None:
    good = [asdict(Told(0, "packed", ("catalog",), outcome="read"))] * 20_000
    bad = asdict(Told(7, "packed", ("catalog",), failures=["reading: KeyError"]))

    assert all(bar.met for bar in bars(good))
    assert [bar.met for bar in bars([*good, bad])] == [True, False, True, True, True]
    assert failures([*good, bad]).rows == [[7, "packed", "reading: KeyError"]]
    assert outcomes([*good, bad]).rows[-1][:7] == ["all", 20_001, 20_000, 0, 0, 1, 1]


def test_pieces_of_real_records_are_read_whole(real_wfdb, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bench.fuzz_cases.MADE_UP_SHARE", 0.0)
    monkeypatch.setattr("bench.fuzz_cases.ways_of", lambda files: [("none", lambda *_: None)])
    ran = Night(0, real_seeds(real_wfdb), tmp_path, WATCH).run(0, 60)

    # One of them names segments that its archive never had.
    assert {one.seed for one in ran if one.outcome != "read"} == {"varying layout"}
    assert len({one.seed for one in ran}) == 16
