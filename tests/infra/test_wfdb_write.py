from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.demo.wfdb_write import Clock, Signal, pack_212, write_layout, write_master, write_record
from ops.header import parse_header


def ramp(n: int) -> np.ndarray:
    return np.linspace(-1, 1, n, dtype=np.float32)


def test_two_samples_of_twelve_bits_are_three_bytes() -> None:
    assert pack_212(np.array([0x123, 0x456])) == bytes([0x23, 0x41, 0x56])
    assert pack_212(np.array([-1, 1])) == bytes([0xFF, 0x0F, 0x01])
    assert pack_212(np.array([0x123])) == bytes([0x23, 0x01])


def test_the_header_says_what_was_written(tmp_path: Path) -> None:
    start = datetime(2143, 9, 20, 21, 13, 5, 250_000)  # noqa: DTZ001
    signal = Signal("II", "mV", np.array([0.0, 0.5, -0.5], np.float32), 200, 10)

    write_record(tmp_path, "a", [signal], Clock(250, start, 999.56), ["subject_id 7"])

    assert (tmp_path / "a.hea").read_text().splitlines() == [
        "a 1 250/999.56 3 21:13:05.250 20/09/2143",
        "a.dat 16 200(10)/mV 16 0 10 30 0 II",
        "# subject_id 7",
    ]
    assert parse_header((tmp_path / "a.hea").read_bytes(), "a").start_time == start


def test_a_gap_is_the_formats_missing_code(tmp_path: Path) -> None:
    gap = np.array([0.5, np.nan, -0.5, np.nan], np.float32)
    for fmt in ("16", "212", "516"):
        write_record(tmp_path, f"r{fmt}", [Signal("II", "mV", gap, 200, fmt=fmt)], Clock(250))

        back = wfdb.rdrecord(str(tmp_path / f"r{fmt}")).p_signal[:, 0]

        np.testing.assert_array_equal(np.isnan(back), np.isnan(gap))


def test_values_out_of_range_are_clipped_and_never_become_missing(tmp_path: Path) -> None:
    signal = Signal("II", "mV", np.array([-1e9, 1e9], np.float32), 200, fmt="212")

    write_record(tmp_path, "a", [signal], Clock(250))

    assert wfdb.rdrecord(str(tmp_path / "a"), physical=False).d_signal[:, 0].tolist() == [
        -2047,
        2047,
    ]


def test_signals_of_different_duration_are_refused(tmp_path: Path) -> None:
    signals = [Signal("II", "mV", ramp(10), 200), Signal("V", "mV", ramp(12), 200)]

    with pytest.raises(ValueError, match="signals of record a differ in frames"):
        write_record(tmp_path, "a", signals, Clock(250))


def test_segments_and_gaps_are_joined_by_the_master(tmp_path: Path) -> None:
    first, second = (Signal("II", "mV", ramp(50), gain) for gain in (200, 400))
    write_layout(tmp_path, "m_layout", [first], Clock(125))
    write_record(tmp_path, "m_1", [first], Clock(125))
    write_record(tmp_path, "m_2", [second], Clock(125))

    write_master(
        tmp_path, "m", [("m_layout", 0), ("m_1", 50), ("~", 10), ("m_2", 50)], 1, Clock(125)
    )

    back = wfdb.rdrecord(str(tmp_path / "m")).p_signal[:, 0]
    assert len(back) == 110
    assert np.isnan(back[50:60]).all()
    np.testing.assert_allclose(back[60:], ramp(50), atol=0.5 / 400 + 1e-6)


@given(
    fmt=st.sampled_from(["16", "212", "516"]),
    spf=st.integers(1, 4),
    n_signals=st.integers(1, 3),
    n_frames=st.integers(1, 60),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_written_reads_back_within_half_a_step_with_a_right_checksum(
    tmp_path_factory: pytest.TempPathFactory,
    fmt: str,
    spf: int,
    n_signals: int,
    n_frames: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("wfdb")
    values = np.random.default_rng(seed).uniform(-4, 4, (n_signals, n_frames * spf))
    signals = [
        Signal(f"V{i}", "mV", row.astype(np.float32), 200, -30, fmt, samples_per_frame=spf)
        for i, row in enumerate(values)
    ]

    write_record(folder, "a", signals, Clock(62.5))

    back = wfdb.rdrecord(str(folder / "a"), smooth_frames=False)
    counts = wfdb.rdrecord(str(folder / "a"), smooth_frames=False, physical=False)
    np.testing.assert_allclose(np.array(back.e_p_signal), values, atol=0.5 / 200 + 1e-5)
    assert [int(c) for c in counts.calc_checksum(expanded=True)] == back.checksum
