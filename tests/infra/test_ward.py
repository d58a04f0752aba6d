import csv
import gzip
import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wfdb

from infra.demo.simulate import Patient, simulate
from infra.demo.ward import WARD_FS, WardRecord, write_ward
from infra.demo.ward_course import on_course
from ops.catalog import load_tree
from ops.ingest_record import Identity, ingest_record
from ops.lake import Lake
from ops.source import Source

MINUTES = 8.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ward") / "archive"


@pytest.fixture(scope="module")
def ward(folder: Path) -> list[WardRecord]:
    return write_ward(folder, minutes=MINUTES)


def first(ward: list[WardRecord], **wanted: object) -> WardRecord:
    return next(r for r in ward if all(getattr(r, name) == is_ for name, is_ in wanted.items()))


def cuff_shown(folder: Path, record: WardRecord) -> list[tuple[float, float]]:
    """Systolic and diastolic pressure as often as they were shown."""
    text = gzip.decompress((folder / f"{record.record_id}n.csv.gz").read_bytes()).decode()
    rows = csv.DictReader(text.splitlines())
    return [(float(r["NBPs [mmHg]"]), float(r["NBPd [mmHg]"])) for r in rows if r["NBPs [mmHg]"]]


def abp(folder: Path, record: WardRecord) -> np.ndarray:
    return wfdb.rdrecord(str(folder / record.record_id)).p_signal[:, 2]


def windows(folder: Path, record: WardRecord, scratch: Path) -> pl.DataFrame:
    """The record's graded windows."""
    source, lake = Source(str(folder)), Lake(str(scratch / "lake"))
    entries = source.listing()
    tree, _ = load_tree(source.read, record.record_id, entries)
    identity = Identity("ward", record.record_id, record.subject_id, None, "run")
    fetched = partial(source.fetched, tree.folder, scratch=scratch, seen=entries)
    lake.commit("windows", ingest_record(tree, identity, fetched, lake).files["windows"])
    return lake.scan("windows").collect()


def test_a_ward_has_every_kind_of_line_and_of_cuff(folder, ward) -> None:
    lines = [record.line for record in ward]
    cuffs = [record.cuff for record in ward]

    assert len({record.subject_id for record in ward}) == 40
    assert (folder / "RECORDS").read_text().split() == [r.record_id for r in ward]
    assert {kind: lines.count(kind) for kind in set(lines)} == {
        "whole": 21,
        "stops": 5,
        "late": 5,
        "none": 5,
        "damped": 2,
        "unzeroed": 2,
    }
    assert [cuffs.count(kind) for kind in ("failing", "repeated", "none")] == [3, 3, 3]
    assert sum(record.moving for record in ward) == 4


def test_a_line_stops_half_way_or_begins_late_or_is_not_there(folder, ward) -> None:
    stops, late = abp(folder, first(ward, line="stops")), abp(folder, first(ward, line="late"))
    none = wfdb.rdheader(str(folder / first(ward, line="none").record_id))

    half, start = len(stops) // 2, round(0.3 * len(late))
    assert not np.isnan(stops[:half]).any()
    assert np.isnan(stops[half:]).all()
    assert np.isnan(late[:start]).all()
    assert not np.isnan(late[start:]).any()
    assert none.sig_name == ["II", "PLETH"]


def test_some_pressures_drift_and_some_fall_below_65(ward) -> None:
    lowest, moved = {}, {}
    for record in ward:
        true = simulate(record.patient, 60 * MINUTES, WARD_FS).abp
        means = true[: len(true) // 2500 * 2500].reshape(-1, 2500).mean(axis=1)
        lowest.setdefault(record.course, []).append(means.min())
        moved.setdefault(record.course, []).append(np.ptp(means))

    assert np.mean(np.array(lowest["falls"]) < 65) > 0.7
    assert np.mean(np.array(lowest["steady"]) > 65) > 0.9
    assert np.median(moved["falls"]) > 25
    assert np.median(moved["drifts"]) > np.median(moved["steady"]) > 4


def test_a_drift_is_of_tens_of_mmhg_within_an_hour() -> None:
    trends = [
        dict(on_course(Patient("p", seed=seed), "drifts", 3600.0).trend) for seed in range(20)
    ]

    assert np.median([abs(trend[3600.0]) for trend in trends]) > 20


def test_a_cuff_reads_near_the_true_pressure_where_the_transducer_reads_high(
    tmp_path, folder, ward
) -> None:
    high = write_ward(tmp_path, subjects=2, minutes=2, line_bias_mmhg=8.0)
    true = write_ward(tmp_path / "true", subjects=2, minutes=2)

    for biased, plain in zip(high, true, strict=True):
        difference = abp(tmp_path, biased) - abp(tmp_path / "true", plain)
        assert difference == pytest.approx(8.0, abs=1 / 16)
        assert cuff_shown(tmp_path, biased) == cuff_shown(tmp_path / "true", plain)


def test_failing_cuffs_show_what_no_adult_has(tmp_path) -> None:
    ward = write_ward(tmp_path, subjects=5, minutes=5, cuff_every_s=60)
    shown = cuff_shown(tmp_path, first(ward, cuff="failing"))

    assert {(0, 0), (62, 118), (308, 190)} < set(shown)


def test_a_repeated_cuff_shows_its_value_for_minutes(folder, ward) -> None:
    repeated = cuff_shown(folder, first(ward, cuff="repeated"))
    plain = cuff_shown(folder, first(ward, cuff="plain"))

    assert len(plain) == 3 * len(set(plain)) == 6
    assert repeated.count(repeated[0]) == 240 // 4 + 1
    assert cuff_shown(folder, first(ward, cuff="none")) == []


@pytest.mark.parametrize("line", ["damped", "whole"])
def test_a_damped_line_is_never_good_and_a_whole_one_is(folder, ward, tmp_path, line) -> None:
    record = first(ward, line=line, course="drifts")
    graded = windows(folder, record, tmp_path)

    share = (graded["abp_grade"] == "good").mean()
    assert share == 0 if line == "damped" else share > 0.9


def test_an_unzeroed_line_is_far_from_its_cuff(folder, ward) -> None:
    record = first(ward, line="unzeroed")
    true = simulate(record.patient, 60 * MINUTES, WARD_FS).abp

    assert abp(folder, record).mean() - true.mean() == pytest.approx(55, abs=0.1)


def test_headers_tell_unit_age_and_sex_and_most_the_time(folder, ward) -> None:
    for record in ward:
        header = wfdb.rdheader(str(folder / record.record_id))
        age = "??" if record.age_years is None else record.age_years

        assert header.comments[1:] == [
            f"<age>: {age} <sex>: {record.sex or '?'}",
            f"Location: {record.care_unit}",
        ]
        assert (header.base_date is not None) == record.dated
    assert 0.7 < np.mean([record.dated for record in ward]) < 0.9
    assert 0 < sum(record.age_years is None for record in ward) < 5


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_subjects(tmp_path) -> None:
    told = [write_ward(tmp_path / name, subjects=3, seed=s, minutes=1) for name, s in SEEDS.items()]
    hashes = {
        name: [
            hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted((tmp_path / name).iterdir())
        ]
        for name in SEEDS
    }

    assert hashes["one"] == hashes["again"] != hashes["other"]
    assert not {r.subject_id for r in told[0]} & {r.subject_id for r in told[2]}


SEEDS = {"one": 1, "again": 1, "other": 2}


@pytest.mark.parametrize(("subjects", "minutes"), [(0, 5), (10_001, 5), (3, 0.5)])
def test_a_ward_of_nobody_is_refused(tmp_path, subjects, minutes) -> None:
    with pytest.raises(ValueError, match=f"got {subjects} subjects and {minutes} minutes"):
        write_ward(tmp_path, subjects=subjects, minutes=minutes)
