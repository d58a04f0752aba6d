import csv
import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

from infra.demo.archive import CASES, ArchiveRecord, write_archive
from infra.demo.bedside import recorded
from ops.header import parse_header

MINUTES = 1.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def records(folder: Path) -> list[ArchiveRecord]:
    return write_archive(folder, seed=1, minutes=MINUTES)


def read(folder: Path, record: ArchiveRecord) -> wfdb.Record:
    return wfdb.rdrecord(str(folder / record.record_id))


def named(records: list[ArchiveRecord], part: str) -> ArchiveRecord:
    return next(record for record in records if part in record.story)


def single_headers(folder: Path, record: ArchiveRecord) -> list[Path]:
    """Headers of the record's own signal files: its segments', or its own."""
    path = folder / record.record_id
    headers = sorted(path.parent.glob(f"{path.name}*.hea"))
    text = {header: header.read_text() for header in headers}
    return [h for h in headers if "/" not in text[h].split()[0] and "~" not in text[h]]


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_twelve_subjects_are_listed_and_one_is_broken(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    assert len({record.subject_id for record in records}) == 12
    assert (folder / "RECORDS").read_text().split() == [r.record_id for r in records]
    assert [r.readable for r in records].count(False) == 1


def test_every_readable_record_is_as_long_as_asked(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    for record in filter(lambda r: r.readable, records):
        back = read(folder, record)

        assert back.sig_len / back.fs == pytest.approx(60 * MINUTES, abs=0.1)


def test_every_header_parses_and_every_checksum_holds(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    for record in filter(lambda r: r.readable, records):
        for path in single_headers(folder, record):
            header = parse_header(path.read_bytes(), path.stem)
            back = wfdb.rdrecord(str(path.with_suffix("")), smooth_frames=False, physical=False)

            assert [s.checksum for s in header.signals] == back.calc_checksum(expanded=True)
            assert [s.name for s in header.signals] == back.sig_name


def test_what_was_recorded_reads_back_within_half_a_quantisation_step(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    for index, fs in ((0, 250.0), (1, 125.0)):
        case = replace(CASES[index], patient=replace(CASES[index].patient, seed=1000 + index))
        strip = recorded(case, 60 * MINUTES, fs)
        back = read(folder, records[index])

        error = np.abs(back.p_signal - np.stack([strip.ecg, strip.ppg, strip.abp], axis=1))
        assert np.all(error.max(axis=0) <= 0.5001 / np.array(back.adc_gain) + 1e-5)


def test_the_corrupt_record_promises_more_than_it_has(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    broken = named(records, "corrupt")

    with pytest.raises(ValueError, match="Samples were not loaded correctly"):
        read(folder, broken)


def test_gaps_are_missing_in_ppg_and_abp_and_not_in_ecg(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    missing = np.isnan(read(folder, named(records, "gaps")).p_signal).mean(axis=0)

    assert missing[0] == 0
    assert np.all((missing[1:] > 0.1) & (missing[1:] < 0.3))


def test_the_multi_segment_record_has_a_gap_a_new_gain_and_loses_its_line(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    record = named(records, "multi-segment")
    signals = read(folder, record).p_signal
    gains = [
        wfdb.rdheader(str(path.with_suffix(""))).adc_gain[0]
        for path in single_headers(folder, record)
    ]

    assert np.isnan(signals).mean(axis=0) == pytest.approx([0.1, 0.1, 0.3], abs=0.001)
    assert gains == [200, 400, 200]


def test_the_flac_record_has_three_rates(folder: Path, records: list[ArchiveRecord]) -> None:
    header = wfdb.rdheader(str(single_headers(folder, named(records, "FLAC"))[0].with_suffix("")))

    assert set(header.fmt) == {"516"}
    assert header.samps_per_frame == [4, 2, 2, 1]
    assert (header.fs, header.counter_freq) == (62.4725, 999.56)


def test_the_cuff_reads_near_the_patients_pressure_and_stays_for_a_while(
    folder: Path, records: list[ArchiveRecord]
) -> None:
    record = named(records, "cuff")
    path = folder / f"{record.record_id}n.csv.gz"
    rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    cuff = [float(row["NBPs [mmHg]"]) for row in rows if row["NBPs [mmHg]"]]
    ticks = [int(row["time"]) for row in rows]

    assert len(cuff) == 6
    assert len(set(cuff)) <= 2
    assert np.mean(cuff) == pytest.approx(136, abs=12)
    assert len(ticks) == len(set(ticks)) + 1
    assert ticks[-1] / 999.56 == pytest.approx(60 * MINUTES, abs=4)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, folder: Path, records: list[ArchiveRecord]
) -> None:
    write_archive(tmp_path / "again", seed=1, minutes=MINUTES)
    write_archive(tmp_path / "other", seed=2, minutes=MINUTES)

    assert contents(tmp_path / "again") == contents(folder)
    dats = [name for name in contents(folder) if name.endswith(".dat")]
    other = contents(tmp_path / "other")
    assert all(contents(folder)[name] != other[name] for name in dats)


def test_less_than_a_minute_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"minutes must be at least 1, got 0\.5"):
        write_archive(tmp_path, minutes=0.5)
