import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.decode import SignalFileError, open_signal_file, read_counts, to_physical
from ops.header import Header, SignalSpec, parse_header


def header_of(path: Path) -> Header:
    return parse_header(path.with_suffix(".hea").read_bytes(), path.name)


def decode_all(record: Path, chunk: int) -> list[np.ndarray]:
    """Physical values of every signal, read ``chunk`` frames at a time."""
    header = header_of(record)
    physical: dict[int, np.ndarray] = {}
    for file_name in dict.fromkeys(spec.file_name for spec in header.signals):
        numbers = [n for n, spec in enumerate(header.signals) if spec.file_name == file_name]
        specs = tuple(header.signals[n] for n in numbers)
        signal_file = open_signal_file(record.parent / file_name, specs, header.n_frames)
        pieces = [
            read_counts(signal_file, first, min(first + chunk, signal_file.n_frames))
            for first in range(0, signal_file.n_frames, chunk)
        ]
        for column, number in enumerate(numbers):
            spec = header.signals[number]
            counts = np.concatenate([piece[column] for piece in pieces])
            physical[number] = to_physical(counts, spec, 1 / spec.adc_gain)
    return [physical[number] for number in sorted(physical)]


EVERY_FORMAT = [
    "binformats", "flacformats", "mixedsignals", "a103l", "a103l-no-len", "3000003_0003",
    "v102s", "multi-segment/041s/041s01", "multi-segment/s25047/3234460_0001",
    "multi-segment/fixed1/v102s_2", "../mitdb/201",
]  # fmt: skip


@pytest.mark.parametrize("name", EVERY_FORMAT)
@pytest.mark.parametrize("chunk", [7001, 10**6])
def test_every_format_reads_as_wfdb_reads_it_whole(real_wfdb: Path, name: str, chunk: int) -> None:
    record = real_wfdb / "samples" / name
    ours = decode_all(record, chunk)
    theirs = wfdb.rdrecord(str(record), smooth_frames=False).e_p_signal

    for mine, reference, spec in zip(ours, theirs, header_of(record).signals, strict=True):
        assert len(mine) == len(reference)
        assert np.array_equal(np.isnan(mine), np.isnan(reference))
        float32_rounding = 2.0**-24 * np.nanmax(np.abs(reference))
        assert np.nanmax(np.abs(mine - reference)) <= 0.5 / abs(spec.adc_gain) + float32_rounding


@pytest.mark.parametrize("name", ["binformats", "flacformats", "mixedsignals"])
def test_small_odd_chunks_read_as_the_whole(real_wfdb: Path, name: str) -> None:
    record = real_wfdb / "samples" / name
    pieces = decode_all(record, 37 if name != "mixedsignals" else 3001)
    whole = decode_all(record, 10**6)

    for piece, reference in zip(pieces, whole, strict=True):
        assert np.array_equal(piece, reference, equal_nan=True)


def spec(fmt: str = "16", **changes: object) -> SignalSpec:
    fields: dict[str, object] = {
        "file_name": "x.dat", "fmt": fmt, "samples_per_frame": 1, "skew": 0, "byte_offset": 0,
        "adc_gain": 200.0, "baseline": 0, "unit": "mV", "checksum": None, "name": "II",
    }  # fmt: skip
    return SignalSpec(**{**fields, **changes})  # type: ignore[arg-type]


def written(folder: Path, counts: object, dtype: str = "<i2") -> Path:
    path = folder / "x.dat"
    path.write_bytes(np.asarray(counts, dtype).tobytes())
    return path


def test_a_truncated_file_names_what_was_expected_and_found(tmp_path: Path) -> None:
    path = written(tmp_path, [1, 2, 3])

    with pytest.raises(SignalFileError, match=r"x\.dat has 6 bytes, its header needs 8"):
        open_signal_file(path, (spec(),), 4)


def test_a_header_that_claims_10_12_frames_allocates_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, [1, 2, 3])

    with pytest.raises(SignalFileError, match="its header needs 2000000000000"):
        open_signal_file(path, (spec(),), 10**12)


def test_a_length_that_is_not_said_follows_from_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, [0, 0, 1, 2, 3, 4])

    assert open_signal_file(path, (spec(byte_offset=4), spec(byte_offset=4)), None).n_frames == 2


def test_skew_is_undone_and_its_tail_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, [[0, 10], [1, 11], [2, 12], [3, 13]])
    signal_file = open_signal_file(path, (spec(skew=2), spec()), 4)
    skewed, straight = read_counts(signal_file, 0, 4)

    assert skewed.tolist() == [2, 3, -32768, -32768]
    assert straight.tolist() == [10, 11, 12, 13]


def test_signals_of_many_skews_are_read_in_the_memory_of_a_few(tmp_path: Path) -> None:
    n_signals, n_frames = 512, 600
    counts = np.arange(n_frames)[:, None] + np.arange(n_signals) * 7
    path = written(tmp_path, counts.reshape(-1))
    skews = [7 * number % 1200 for number in range(n_signals)]
    specs = tuple(spec("16", skew=skew) for skew in skews)
    tracemalloc.start()
    read = read_counts(open_signal_file(path, specs, n_frames), 0, n_frames)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 20 * n_signals * n_frames * 4
    for number in (0, 1, 85, 86, 171, 172, 511):
        there = max(n_frames - skews[number], 0)
        assert np.array_equal(read[number][:there], counts[skews[number] :, number])
        assert (read[number][there:] == -32768).all()


def test_differences_add_up_from_any_frame(tmp_path: Path) -> None:
    path = written(tmp_path, [[1, 10], [2, 20], [3, 30], [-4, -40]] * 5, "<i1")
    signal_file = open_signal_file(path, (spec("8", initial=100), spec("8")), 20)
    late, other = read_counts(signal_file, 17, 20)
    early, _ = read_counts(signal_file, 0, 2)

    assert late.tolist() == [100 + 8 + 3, 100 + 8 + 6, 100 + 8 + 2]
    assert other.tolist() == [80 + 30, 80 + 60, 80 + 20]
    assert early.tolist() == [101, 103]


@pytest.mark.parametrize(
    ("specs", "why"),
    [
        ((spec("999"),), "format 999, which is not supported"),
        ((spec("16"), spec("212")), "several formats"),
        ((spec("516"),), "not a FLAC file"),
    ],
)
def test_what_can_not_be_read_is_refused_in_one_sentence(
    tmp_path: Path, specs: tuple[SignalSpec, ...], why: str
) -> None:
    path = written(tmp_path, range(100))

    with pytest.raises(SignalFileError, match=why):
        open_signal_file(path, specs, 10)


def test_a_flac_file_that_does_not_say_its_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.dat"
    soundfile.write(path, np.arange(1000, dtype=np.int16), 96_000, "PCM_16", format="FLAC")
    raw = bytearray(path.read_bytes())
    raw[21] &= 0xF0  # the last 36 bits of the eight bytes from 18 on
    raw[22:26] = bytes(4)
    path.write_bytes(raw)

    for n_frames in (None, 1000, 10**12):
        with pytest.raises(SignalFileError, match="does not say how many samples it holds"):
            open_signal_file(path, (spec("516"),), n_frames)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SignalFileError, match="not there"):
        open_signal_file(tmp_path / "nothing.dat", (spec(),), 10)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(
        ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524"]
    ),
    st.binary(max_size=300),
    st.integers(1, 3),
    st.integers(0, 40),
    st.integers(0, 5),
)
def test_any_bytes_decode_or_are_refused(
    tmp_path: Path, fmt: str, raw: bytes, n_signals: int, n_frames: int, skew: int
) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(raw)
    specs = (*(spec(fmt) for _ in range(n_signals - 1)), spec(fmt, skew=skew, samples_per_frame=2))
    try:
        signal_file = open_signal_file(path, specs, n_frames)
        counts = read_counts(signal_file, 0, signal_file.n_frames)
    except SignalFileError:
        return

    assert [len(one) for one in counts] == [
        signal_file.n_frames * one.samples_per_frame for one in specs
    ]
