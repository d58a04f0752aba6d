import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops import read_record
from ops.catalog.tree import load_tree
from ops.encode import decode_counts, encode
from ops.fault import Fault
from ops.read_record import WindowBlock, read_blocks
from ops.source import Source
from ops.window_block import choose_leads
from schemas.modality import MODALITIES, Modality

II = "16 200/mV 16 0 0 0 0 II"
MISSING = -32768


def signal(folder: Path, name: str, counts: object, dtype: str = "<i2") -> None:
    (folder / name).write_bytes(np.asarray(counts).astype(dtype).tobytes())


def header(folder: Path, name: str, *lines: str) -> None:
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")


def segment(folder: Path, name: str, counts: object, *lines: str, fs: float = 125) -> None:
    """A segment of one signal file; a line is what follows the file's name."""
    signal(folder, f"{name}.dat", counts)
    n_frames = len(np.asarray(counts))
    text = [f"{name}.dat {line}" for line in lines or (II,)]
    header(folder, name, f"{name} {len(text)} {fs:.10g} {n_frames}", *text)


def read(folder: Path, record_id: str = "r") -> tuple[list[WindowBlock], list[Fault]]:
    source = Source(str(folder))
    tree, faults = load_tree(source.read, record_id, source.listing())

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        yield folder / tree.folder

    return list(read_blocks(tree, fetched, faults)), faults


def joined(blocks: list[WindowBlock], modality: Modality = "ecg") -> np.ndarray:
    """The signal on the grid from the record's start; windows that are not stored are NaN."""
    n_windows = max((int(block.window_index[-1]) + 1 for block in blocks), default=0)
    whole = np.full((n_windows, 500), np.nan, np.float32)
    for block in blocks:
        whole[block.window_index] = block.signals[modality]
    return whole.reshape(-1)


def test_a_record_on_the_grid_is_read_count_by_count(tmp_path: Path) -> None:
    segment(tmp_path, "r", np.arange(600))
    blocks, faults = read(tmp_path)

    assert len(blocks) == 1
    assert blocks[0].window_index.tolist() == [0, 1]
    assert np.array_equal(joined(blocks)[:600], (np.arange(600) / 200).astype(np.float32))
    assert np.isnan(joined(blocks)[600:]).all()
    assert blocks[0].exact["ecg"].all()
    assert blocks[0].steps["ecg"].tolist() == [np.float32(0.005)] * 2
    assert blocks[0].units == {"ecg": ["mV", "mV"], "ppg": [None, None], "abp": [None, None]}
    assert blocks[0].leads["ecg"] == ["II", "II"]
    assert not faults


def test_what_is_exact_is_stored_in_whole_steps(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(-3000, 3000, 500)
    segment(tmp_path, "r", counts, "16 7427(12)/mV 16 0 0 0 0 II")
    (block,), _ = read(tmp_path)
    encoded = encode(block.signals["ecg"], block.steps["ecg"], block.exact["ecg"])

    assert np.array_equal(np.diff(encoded.counts[0].astype(int)), np.diff(counts))
    decoded = decode_counts(encoded.counts, encoded.scale, encoded.zero)
    assert np.abs(decoded - (counts - 12) / 7427).max() < 0.5 / 7427


def test_segments_keep_their_own_gain_and_gaps_stay_gaps(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/3 1 125 1500", "a 100", "~ 300", "b 1100")
    segment(tmp_path, "a", np.full(100, 200))
    segment(tmp_path, "b", np.full(1100, 500), "16 100/mV 16 0 0 0 0 II")
    blocks, faults = read(tmp_path)
    ecg = joined(blocks)

    assert (ecg[:100] == 1).all()
    assert np.isnan(ecg[100:400]).all()
    assert (ecg[400:1500] == 5).all()
    assert blocks[0].steps["ecg"].tolist() == pytest.approx([0.005, 0.01, 0.01])
    assert blocks[0].exact["ecg"].tolist() == [False, True, True]
    assert not faults


def test_a_gap_of_years_costs_nothing(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/3 1 125 100000001000", "a 500", "~ 100000000000", "b 500")
    segment(tmp_path, "a", np.ones(500))
    segment(tmp_path, "b", np.ones(500))
    blocks, _ = read(tmp_path)

    assert [block.window_index.tolist() for block in blocks] == [[0], [200_000_001]]


def test_what_can_not_be_read_is_one_fault_each_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = ["a 500", "absent 500", "short 500", "nohea 500", "bad 500", "out 500", "b 500"]
    header(tmp_path, "r", "r/7 1 125 3500", *lines)
    for name in ("a", "absent", "short", "b"):
        segment(tmp_path, name, np.ones(500))
    (tmp_path / "absent.dat").unlink()
    signal(tmp_path, "short.dat", np.ones(400))
    header(tmp_path, "bad", "bad 1 125 500", "bad.dat sixteen")
    header(tmp_path, "out", "out 1 125 500", f"../r.dat {II}")
    blocks, faults = read(tmp_path)

    assert blocks[0].window_index.tolist() == [0, 6]
    assert {(fault.path, fault.step) for fault in faults} == {
        ("absent.dat", "fetch"), ("short.dat", "read"), ("nohea.hea", "header"),
        ("bad.hea", "header"), ("out.hea", "header"),
    }  # fmt: skip
    reasons = {fault.path: fault.reason for fault in faults}
    assert reasons["short.dat"] == "signal file short.dat has 800 bytes, its header needs 1000"
    assert reasons["absent.dat"] == "signal file absent.dat of absent is not in the archive"


def test_a_truncated_file_loses_only_its_own_signals(tmp_path: Path) -> None:
    signal(tmp_path, "e.dat", np.ones(10))
    signal(tmp_path, "p.dat", np.ones(500))
    header(tmp_path, "r", "r 2 125 500", f"e.dat {II}", "p.dat 16 1/mmHg 16 0 0 0 0 ABP")
    blocks, faults = read(tmp_path)

    assert blocks[0].leads["ecg"] == [None]
    assert blocks[0].leads["abp"] == ["ABP"]
    assert [fault.path for fault in faults] == ["e.dat"]


def test_more_samples_a_second_than_a_shard_holds_are_a_fault(tmp_path: Path) -> None:
    header(tmp_path, "r", "r 512 100000 400000", *[f"r.dat {II}"] * 512)
    signal(tmp_path, "r.dat", np.ones(1000))
    blocks, faults = read(tmp_path)

    assert blocks == []
    assert [fault.reason for fault in faults] == [
        "r has 5.12e+07 samples a second, more than 8388608"
    ]


def test_a_segment_named_without_end_is_read_a_hundred_times(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/5000 1 125 625000", *["a 125"] * 5000)
    segment(tmp_path, "a", np.ones(125))
    blocks, faults = read(tmp_path)

    assert int(np.isfinite(joined(blocks)).sum()) == 12_500
    assert [(fault.path, fault.step) for fault in faults] == [("a.hea", "read")]
    assert faults[0].reason.startswith("segment a is named more than 100 times")


def test_a_file_that_segments_share_fails_once(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/2 1 125 1000", "a 500", "b 500")
    for name in ("a", "b"):
        header(tmp_path, name, f"{name} 1 125 500", f"shared.dat {II}")
    blocks, faults = read(tmp_path)

    assert blocks == []
    assert [fault.path for fault in faults] == ["shared.dat"]


def test_a_flac_file_cut_short_keeps_the_blocks_before_the_cut(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, 400_000).astype(np.int16)
    soundfile.write(tmp_path / "r.dat", noise, 96_000, "PCM_16", format="FLAC")
    raw = (tmp_path / "r.dat").read_bytes()
    (tmp_path / "r.dat").write_bytes(raw[: len(raw) * 3 // 4])
    header(tmp_path, "r", "r 1 125 400000", f"r.dat 516{II[2:]}")
    blocks, faults = read(tmp_path)

    assert np.array_equal(joined(blocks)[:256_000], noise[:256_000].astype(np.float32) / 200)
    assert len(blocks) == 2
    assert [(fault.path, fault.step) for fault in faults] == [("r.dat", "read")]


def test_a_file_that_does_not_come_is_a_fault_and_the_others_are_read(tmp_path: Path) -> None:
    signal(tmp_path, "e.dat", np.ones(500))
    signal(tmp_path, "p.dat", np.ones(500))
    header(tmp_path, "r", "r 2 125 500", f"e.dat {II}", "p.dat 16 1/mmHg 16 0 0 0 0 ABP")
    source = Source(str(tmp_path))
    tree, faults = load_tree(source.read, "r", source.listing())

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        if "e.dat" in names:
            message = "connection reset"
            raise OSError(message)
        yield tmp_path

    blocks = list(read_blocks(tree, fetched, faults))

    assert faults == [Fault("e.dat", "fetch", "OSError", "connection reset")]
    assert blocks[0].leads["abp"] == ["ABP"]


def test_scratch_holds_one_segment_at_a_time(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/2 1 125 1000", "a 500", "b 500")
    segment(tmp_path, "a", np.ones(500), II, "16 1/NU 16 0 0 0 0 RESP")
    segment(tmp_path, "b", np.ones(500))
    source = Source(str(tmp_path))
    tree, faults = load_tree(source.read, "r", source.listing())
    events: list[str] = []

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        events.append(f"in {' '.join(names)}")
        yield tmp_path
        events.append("out")

    list(read_blocks(tree, fetched, faults))

    assert events == ["in a.dat", "out", "in b.dat", "out"]


def test_gain_zero_is_uncalibrated_whatever_the_unit_says(tmp_path: Path) -> None:
    segment(tmp_path, "r", np.full(500, 30), "16 0(10)/mV 16 0 0 0 0 II")
    (block,), _ = read(tmp_path)

    assert block.units["ecg"] == ["NU"]
    assert block.signals["ecg"][0, 0] == 20
    assert block.steps["ecg"][0] == 1


def test_a_window_keeps_the_unit_of_most_samples(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/2 1 125 500", "a 100", "b 400")
    segment(tmp_path, "a", np.ones(100), "16 0 16 0 0 0 0 II")
    segment(tmp_path, "b", np.ones(400))
    (block,), _ = read(tmp_path)

    assert block.units["ecg"] == ["mV"]
    assert np.isnan(block.signals["ecg"][0, :100]).all()
    assert np.isfinite(block.signals["ecg"][0, 100:]).all()


def test_a_segment_is_never_longer_than_its_record_says(tmp_path: Path) -> None:
    header(tmp_path, "r", "r/2 1 125 600", "a 100", "b 500")
    segment(tmp_path, "a", np.full(5000, 200))
    segment(tmp_path, "b", np.full(500, 400))
    blocks, _ = read(tmp_path)
    ecg = joined(blocks)

    assert (ecg[:100] == 1).all()
    assert (ecg[100:600] == 2).all()
    assert np.isnan(ecg[600:]).all()


def test_a_header_without_a_length_is_read_to_the_end_of_its_file(tmp_path: Path) -> None:
    signal(tmp_path, "r.dat", np.ones(700))
    header(tmp_path, "r", "r 1 125", f"r.dat {II}")
    blocks, _ = read(tmp_path)

    assert np.isfinite(joined(blocks)).sum() == 700


def test_a_header_that_claims_a_million_million_samples_allocates_nothing(tmp_path: Path) -> None:
    signal(tmp_path, "r.dat", np.ones(700))
    header(tmp_path, "r", "r 1 125 1000000000000", f"r.dat {II}")
    blocks, faults = read(tmp_path)

    assert blocks == []
    assert "its header needs 2000000000000" in faults[0].reason


def test_a_record_without_signals_has_no_windows(tmp_path: Path) -> None:
    header(tmp_path, "r", "r 0 125 1000")

    assert read(tmp_path) == ([], [])


@pytest.mark.parametrize("fs", ["0.001", "0.5x4096"])
def test_an_absurd_rate_explodes_nothing(tmp_path: Path, fs: str) -> None:
    rate, _, spf = fs.partition("x")
    signal(tmp_path, "r.dat", np.ones(4096))
    line = II.replace("16", f"16x{spf}" if spf else "16", 1)
    header(tmp_path, "r", f"r 1 {rate}", f"r.dat {line}")
    blocks, faults = read(tmp_path)

    assert sum(len(block.window_index) for block in blocks) <= 2
    assert bool(faults) == (not spf)


def test_a_lead_with_half_the_samples_gives_way_to_none_but_the_preferred() -> None:
    observed = np.array([[500, 500, 500, 0], [250, 249, 0, 0], [400, 500, 0, 0]])

    assert choose_leads(observed, np.array([1, 0, 1])).tolist() == [1, 0, 0, -1]


def test_each_window_has_its_lead(tmp_path: Path) -> None:
    counts = np.ones((1000, 2))
    counts[500:, 1] = MISSING
    segment(tmp_path, "r", counts, "16 200/mV 16 0 0 0 0 V", II)
    (block,), _ = read(tmp_path)

    assert block.leads["ecg"] == ["II", "V"]


def test_small_blocks_give_the_floats_of_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header(tmp_path, "r", "r/3 1 249.89 14000", "a 5001", "~ 13", "b 8986")
    random = np.random.default_rng(1)
    for name, length in (("a", 5001), ("b", 8986)):
        segment(tmp_path, name, random.integers(-900, 900, length), fs=249.89)
    large, _ = read(tmp_path)
    monkeypatch.setattr(read_record, "MAX_BLOCK_SAMPLES", 1)
    small, _ = read(tmp_path)

    assert len(large) == 1
    assert len(small) == 15
    assert np.array_equal(joined(small), joined(large), equal_nan=True)


signal_lines = st.sampled_from(
    [
        II, "16 100(5)/mV 16 0 0 0 0 V", "16 0 16 0 0 0 0 II", "16x2 1/mmHg 16 0 0 0 0 ABP",
        "16 -50/NU 16 0 0 0 0 PLETH", "16x3:7 1000/NU 16 0 0 0 0 Pleth", "16 1/Ohm 16 0 0 0 0 RESP",
        "16 1e-300/kPa 16 0 0 0 0 ART", "16 1e300/uV 16 0 0 0 0 aVR", "16",
    ]
)  # fmt: skip
segments = st.lists(
    st.tuples(st.lists(signal_lines, min_size=1, max_size=4), st.integers(0, 900)),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(segments, st.sampled_from([62.4725, 125.0, 360.0]), st.integers(0, 2**32 - 1))
def test_whatever_a_record_is_made_of_its_windows_hold_together(
    tmp_path: Path, parts: list[tuple[list[str], int]], fs: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    master = [f"r/{len(parts)} 1 {fs} {sum(length for _, length in parts)}"]
    for number, (lines, length) in enumerate(parts):
        name = f"s{number}"
        frame = sum(int(line[2:].split("x")[1][0]) if "x" in line[:3] else 1 for line in lines)
        segment(tmp_path, name, random.integers(MISSING, 32768, (length, frame)), *lines, fs=fs)
        master.append(f"{name} {length}")
    header(tmp_path, "r", *master)
    blocks, _ = read(tmp_path)

    indexes = [int(index) for block in blocks for index in block.window_index]
    assert indexes == sorted(set(indexes))
    for block in blocks:
        present = {m: np.isfinite(block.signals[m]).any(axis=1) for m in MODALITIES}
        assert np.logical_or.reduce(list(present.values())).all()
        for m in MODALITIES:
            assert block.signals[m].shape == (len(block.window_index), 500)
            assert [unit is not None for unit in block.units[m]] == present[m].tolist()
            assert [lead is not None for lead in block.leads[m]] == present[m].tolist()
            assert np.array_equal(~np.isnan(block.steps[m]), present[m])
            assert not (block.exact[m] & ~present[m]).any()
            assert not np.isinf(block.signals[m]).any()


@pytest.mark.parametrize(
    ("record_id", "name", "modality"),
    [
        ("multi-segment/s25047/s25047-2704-05-04-10-44", "3234460_0018", "ecg"),
        ("multi-segment/p000878/p000878-2137-10-26-16-57", "3269321_0002", "ppg"),
    ],
)
def test_real_segments_are_where_and_what_wfdb_says(
    real_wfdb: Path, record_id: str, name: str, modality: Modality
) -> None:
    samples = real_wfdb / "samples"
    blocks, _ = read(samples, record_id)
    source = Source(str(samples))
    tree, _ = load_tree(source.read, record_id, source.listing())
    start = 0
    for one in tree.header.segments:
        if one.name == name:
            break
        start += one.n_frames
    reference = wfdb.rdrecord(str(samples / Path(record_id).parent / name))
    lead = {"ecg": "II", "ppg": "PLETH", "abp": "ABP"}[modality]
    column = reference.sig_name.index(lead)
    theirs = reference.p_signal[:, column]
    ours = joined(blocks, modality)[start : start + len(theirs)]

    both = ~np.isnan(theirs) & ~np.isnan(ours)
    assert both.sum() > 0.9 * (~np.isnan(theirs)).sum()
    assert np.abs(ours - theirs)[both].max() <= 0.5 / reference.adc_gain[column]


def test_a_real_multi_rate_flac_record_is_in_place(real_wfdb: Path) -> None:
    blocks, faults = read(real_wfdb / "samples", "mixedsignals")
    reference = wfdb.rdrecord(str(real_wfdb / "samples" / "mixedsignals"), smooth_frames=False)
    abp = reference.e_p_signal[3]
    at = np.arange(2, 25_000, 125) / 125
    theirs = np.interp(at, np.arange(len(abp)) / (62.4725 * 2), abp)
    ours = joined(blocks, "abp")[2:25_000:125]

    seen = ~np.isnan(ours) & ~np.isnan(theirs)
    assert not faults
    assert seen.sum() > 150
    assert np.abs(ours - theirs)[seen].mean() < 0.2


@pytest.mark.parametrize(
    "record_id",
    [
        "multi-segment/p000878/p000878-2137-10-26-16-57",
        "multi-segment/s00001/s00001-2896-10-10-00-31",
    ],
)
def test_a_long_record_needs_the_memory_of_a_block(real_wfdb: Path, record_id: str) -> None:
    source = Source(str(real_wfdb / "samples"))
    tree, faults = load_tree(source.read, record_id, source.listing())

    @contextmanager
    def fetched(names: Sequence[str]) -> Iterator[Path]:
        yield real_wfdb / "samples" / tree.folder

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    n_windows = sum(len(block.window_index) for block in read_blocks(tree, fetched, faults))
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    assert n_windows > 0
    assert grown_mib < 100


@pytest.mark.parametrize("fmt", ["16", "516"])
def test_a_disk_that_fails_is_no_fault_of_a_file(unreadable, fmt: str) -> None:
    text = f"r 1 125 500\nr.dat {fmt} 200/mV 16 0 0 0 0 II\n"
    root = unreadable({"r.hea": text, "r.dat": "ab" * 500}, "r.dat")

    reason = "r.dat could not be read: Permission denied"
    assert read(root)[1] == [Fault("r.dat", "fetch", "OSError", reason)]
