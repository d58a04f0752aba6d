import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.catalog import load_tree
from ops.encode import decode_counts
from ops.grade import grade_windows
from ops.ingest_record import Identity, Ingested, ingest_record, record_status
from ops.lake import Lake
from ops.record_signals import duration_s
from ops.record_tree import RecordTree
from ops.source import Source
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.windows import Window

IDENTITY = Identity("ward", "r", "p", None, "run")
II = "r.dat 16 200/mV 16 0 0 0 0 II"


def ingest(source: Path, record_id: str, lake: Lake) -> tuple[RecordTree, Ingested, pl.DataFrame]:
    """Ingest one record and commit it; give its windows as they are read back."""
    opened = Source(str(source))
    tree, _ = load_tree(opened.read, record_id, opened.listing())
    scratch = Path(lake.url) / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    ingested = ingest_record(
        tree, IDENTITY, partial(opened.fetched, tree.folder, scratch=scratch), lake
    )
    for table, files in ingested.files.items():
        lake.commit(table, files)
    return tree, ingested, lake.scan("windows").sort("window_index").collect()


def record(folder: Path, counts: object, *lines: str, fs: float = 125) -> Path:
    folder.mkdir(exist_ok=True)
    stored = np.asarray(counts).astype("<i2")
    (folder / "r.dat").write_bytes(stored.tobytes())
    head = f"r {len(lines) or 1} {fs:g} {len(stored)}"
    (folder / "r.hea").write_text("\n".join([head, *(lines or (II,))]) + "\n")
    return folder


def physical(rows: pl.DataFrame, m: Modality) -> np.ndarray:
    """The stored signal in physical units, (n, 500)."""
    counts = np.stack([np.asarray(c, np.int16) for c in rows[m]])
    return decode_counts(counts, rows[f"{m}_scale"].to_numpy(), rows[f"{m}_zero"].to_numpy())


def test_nothing_is_in_the_lake_before_it_is_committed(tmp_path: Path) -> None:
    source, lake = record(tmp_path / "archive", np.arange(1000)), Lake(str(tmp_path / "lake"))
    opened = Source(str(source))
    tree, _ = load_tree(opened.read, "r", opened.listing())

    @contextmanager
    def in_place(names: Sequence[str]) -> Iterator[Path]:
        yield source

    ingested = ingest_record(tree, IDENTITY, in_place, lake)

    assert lake.scan("windows").collect().is_empty()
    (file,) = ingested.files["windows"]
    assert file.n_rows == ingested.n_windows == 2
    assert (tmp_path / "lake" / "windows" / file.path).stat().st_size == file.size


def test_a_record_is_counted_and_read_back_in_its_unit(tmp_path: Path) -> None:
    source, lake = record(tmp_path / "archive", np.arange(700)), Lake(str(tmp_path / "lake"))
    tree, ingested, rows = ingest(source, "r", lake)

    assert ingested.n_windows == rows.height == 2
    assert ingested.end_s == 5.6
    assert sum(n for (m, _), n in ingested.grades.items() if m == "ecg") == 2
    assert ingested.grades["ppg", "absent"] == 2
    assert rows["ecg_unit"].to_list() == ["mV", "mV"]
    signal = physical(rows, "ecg").reshape(-1)
    assert signal[:700] == pytest.approx(np.arange(700) / 200, abs=1e-6)
    assert np.isnan(signal[700:]).all()
    assert record_status(tree, ingested) == "complete"
    assert ingested.n_numerics == 0
    assert ingested.peak_rss_mib > 0


def test_a_record_longer_than_a_shard_is_one_file_in_row_groups(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(-500, 500, 300 * WINDOW_SAMPLES)
    source, lake = record(tmp_path / "archive", counts), Lake(str(tmp_path / "lake"))
    _, ingested, rows = ingest(source, "r", lake)

    assert rows["window_index"].to_list() == list(range(300))
    (file,) = ingested.files["windows"]
    parquet = pq.read_metadata(tmp_path / "lake" / "windows" / file.path)
    assert [parquet.row_group(i).num_rows for i in range(3)] == [128, 128, 44]
    steps = np.rint(physical(rows, "ecg").reshape(-1) * 200).astype(int)
    assert np.array_equal(steps, counts)


def test_a_record_ends_with_its_last_observed_sample_in_any_signal(tmp_path: Path) -> None:
    counts = np.full((1500, 2), -32768)
    counts[:100, 0], counts[:626, 1] = 1, 2
    both = (II, "r.dat 16 1/mmHg 16 0 0 0 0 ABP")
    source, lake = record(tmp_path / "archive", counts, *both), Lake(str(tmp_path / "lake"))
    head = (source / "r.hea").read_text().replace("125 1500", "125")
    (source / "r.hea").write_text(head)
    tree, ingested, _ = ingest(source, "r", lake)

    assert ingested.n_windows == 2
    assert ingested.end_s == duration_s(tree, ingested.end_s) == 626 / 125


def test_a_record_without_a_sample_ends_where_it_starts(tmp_path: Path) -> None:
    source = record(tmp_path / "archive", np.full(600, -32768))
    _, ingested, _ = ingest(source, "r", Lake(str(tmp_path / "lake")))

    assert ingested.end_s == 0


def test_numerics_are_written_a_part_at_a_time_and_stay_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.ingest_record.NUMERICS_AT_ONCE", 3)
    source, lake = record(tmp_path / "archive", np.arange(500)), Lake(str(tmp_path / "lake"))
    lines = [f"{125 * i},{90 + i},{i + 1},7" for i in (3, 1, 0, 2)]
    text = "\n".join(["time,RR,HR,CVP", *lines, "500,94,,"])
    (source / "rn.csv.gz").write_bytes(gzip.compress(text.encode()))
    _, ingested, _ = ingest(source, "r", lake)
    (file,) = ingested.files["numerics"]
    parquet = pq.read_metadata(tmp_path / "lake" / "numerics" / file.path)
    rows = lake.scan("numerics").select("name", "start_s", "value").collect().rows()

    assert rows == [
        *(("CVP", float(i), 7.0) for i in range(4)),
        *(("HR", float(i), i + 1.0) for i in range(4)),
        *(("RR", float(i), i + 90.0) for i in range(5)),
    ]
    assert ingested.n_numerics == file.n_rows == 13
    assert [parquet.row_group(i).num_rows for i in range(6)] == [3, 1, 3, 1, 3, 2]


def test_a_record_says_how_much_of_it_is_in(tmp_path: Path) -> None:
    def status(folder: Path, name: str, lake: str) -> str:
        tree, ingested, _ = ingest(folder, name, Lake(str(tmp_path / lake)))
        return record_status(tree, ingested)

    other = record(tmp_path / "noise", np.arange(600), "r.dat 16 200/mV 16 0 0 0 0 noise1")
    missing = record(tmp_path / "missing", np.full(600, -32768))
    cut = record(tmp_path / "cut", np.arange(600))
    (cut / "r.dat").write_bytes(b"\0" * 100)

    assert status(other, "r", "a") == "no_modality"
    assert status(missing, "r", "b") == "empty"
    assert status(cut, "r", "c") == "partial"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    counts=st.lists(st.integers(-32768, 32767), min_size=1, max_size=600),
    fs=st.sampled_from([62.5, 125, 249.89, 360]),
    gain=st.sampled_from(["200/mV", "0/mV", "0.5/mmHg"]),
)
def test_whatever_a_signal_holds_its_rows_satisfy_their_schema(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], fs: float, gain: str
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    source = record(folder / "archive", counts, f"r.dat 16 {gain} 16 0 0 0 0 II", fs=fs)
    _, ingested, rows = ingest(source, "r", Lake(str(folder / "lake")))

    assert Window.validate(rows.select(Window.column_names())).height == ingested.n_windows
    assert not ingested.faults


@pytest.mark.parametrize(
    ("record_id", "signal", "modality"),
    [
        ("03700181", "ABP", "abp"),
        ("multi-segment/s00001/3975656_0015", "ABP", "abp"),
        ("multi-segment/s00001/3975656_0015", "II", "ecg"),
    ],
)
def test_real_samples_come_back_within_half_a_step_of_what_wfdb_reads(
    real_wfdb: Path, tmp_path: Path, record_id: str, signal: str, modality: Modality
) -> None:
    path = str(real_wfdb / "samples" / record_id)
    read, header = wfdb.rdrecord(path, channel_names=[signal]), wfdb.rdheader(path)
    gain = header.adc_gain[header.sig_name.index(signal)]
    theirs = read.p_signal[:, 0]
    _, _, rows = ingest(real_wfdb / "samples", record_id, Lake(str(tmp_path / "lake")))
    ours = physical(rows, modality).reshape(-1)[: len(theirs)]

    assert read.fs == 125
    assert len(theirs) >= 37_500
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.nanmax(np.abs(ours - theirs)) <= 0.5 / gain


def test_grades_of_a_real_record_are_those_of_its_stored_counts(
    real_wfdb: Path, tmp_path: Path
) -> None:
    _, _, rows = ingest(real_wfdb / "cinc2015", "training/a171l", Lake(str(tmp_path / "lake")))
    again = grade_windows(
        {m: physical(rows, m) for m in MODALITIES},
        {m: rows[f"{m}_unit"].to_list() for m in MODALITIES},
        {m: rows[f"{m}_scale"].to_numpy() * np.float32(4) for m in MODALITIES},
    )

    words = [f"{m}_grade" for m in MODALITIES]
    assert rows.height == 83
    assert rows.select(words).equals(again.select(words))
