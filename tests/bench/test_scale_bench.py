"""The scale benchmark: archives as they are meant, nights that are timed, bars met or missed."""

import json
from pathlib import Path
from typing import Any

import pytest
import wfdb

from bench.report import all_met
from bench.scale import idle_night
from bench.scale_archives import SHORT_S, write_long, write_short
from bench.scale_long import long_record
from bench.scale_many import Nights, costs, memory
from bench.scale_night import Parts, again, copy, first, plan
from bench.scale_s3 import loaded_s3, requests_so_far, ward_url
from flows.config import IngestConfig
from ops.lake import Lake
from ops.source import Source


def part(cpu_seconds: float, requests: int | None, peak_mib: float) -> dict[str, Any]:
    return {
        "seconds": 2 * cpu_seconds,
        "cpu_seconds": cpu_seconds,
        "requests": requests,
        "peak_mib": peak_mib,
    }


def nights(place: str, records: int, a_record_s: float, peak_mib: float) -> Nights:
    """What two nights tell where each part but the listing takes as long a record."""
    whole = part(a_record_s * records + 1, 10, peak_mib)
    same = part(a_record_s * records, 8, peak_mib)
    listing = part(1.0, 2, peak_mib)
    told = {"listing": listing, "plan": whole}
    return Nights(
        place,
        records,
        {"parts": told | {"ingest": same, "compact": same}},
        {"parts": told | {"rest": same}},
    )


def test_short_and_long_archives_are_read_as_they_are_meant(tmp_path: Path) -> None:
    write_short(tmp_path / "ward", 9, tmp_path)
    write_long(tmp_path / "long", [1, 3], tmp_path, hour_s=20.0)
    names = (tmp_path / "ward" / "RECORDS").read_text().split()
    short = wfdb.rdrecord(str(tmp_path / "ward" / names[8]))
    long = wfdb.rdrecord(str(tmp_path / "long" / "long1"))

    assert len(names) == len(set(names)) == 9
    assert (short.fs, short.sig_len) == (125, SHORT_S[0] * 125)
    assert (long.fs, long.sig_len, long.p_signal.shape) == (250, 15_000, (15_000, 3))
    assert (long.p_signal[:5000] == long.p_signal[10_000:]).all()


def test_a_first_night_reads_all_and_the_next_finds_nothing(tmp_path: Path) -> None:
    write_short(tmp_path / "ward", 3, tmp_path)
    config = IngestConfig(source=str(tmp_path / "ward"), lake=str(tmp_path / "lake"), workers=0)
    copied = config.model_copy(update={"lake": str(tmp_path / "copy")})
    parts = Parts(None)
    with pytest.raises(RuntimeError, match="3 records were to be read"):
        again(config, parts)

    assert plan(config, parts) == {"records": 3}
    assert first(config, parts) == {"records": 3, "signal_s": 3 * (8 + 12 + 12)}
    assert again(config, parts) == {"records": 3}
    assert copy(copied, parts, of=config.lake) == {"records": 3}
    assert again(copied, parts) == {"records": 3}
    assert {"listing", "plan", "ingest", "compact", "rest"} < parts.told.keys()
    assert parts.told["plan"]["seconds"] > parts.told["listing"]["seconds"] > 0
    assert Lake(copied.lake).scan("windows").collect().height == 2 + 3 + 3


def test_the_server_holds_archives_and_counts_what_it_is_asked(monkeypatch) -> None:
    with loaded_s3([2, 3]) as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        before = requests_so_far(s3.endpoint_url)
        listing = Source(ward_url(3)).listing()

        assert len(listing) == 7
        assert requests_so_far(s3.endpoint_url) - before == 1


def test_a_record_may_not_cost_more_in_a_larger_archive() -> None:
    same = costs([nights("S3", n, 0.01, 400.0) for n in (10, 100, 500)])
    dearer = costs([nights("disk", 10, 0.01, 400.0), nights("disk", 100, 0.016, 400.0)])

    assert all_met([same])
    assert [round(bar.value, 2) for bar in dearer.bars] == [1.6] * 5
    assert not any(bar.met for bar in dearer.bars)
    assert same.rows[1][:4] == ["S3", 10, "plan, all new", pytest.approx(0.2)]
    assert same.rows[1][4:] == [pytest.approx(0.1), 8, pytest.approx(10.0)]


def test_planning_on_s3_is_held_to_seconds_and_its_listing_is_not() -> None:
    (bar,) = (b for b in costs([nights("S3", 1000, 0.008, 400.0)]).bars if "plan 1000" in b.name)

    assert (bar.value, bar.met) == (pytest.approx(16.0), False)


def test_memory_is_held_to_that_of_a_small_archive() -> None:
    peaks = {10: 300.0, 100: 400.0, 10_000: 529.0}
    told = memory([nights("disk", n, 0.01, peak) for n, peak in peaks.items()])

    assert [bar.value for bar in told.bars] == [129.0, 129.0]
    assert not any(bar.met for bar in told.bars)
    assert told.note.endswith("13.3 KiB a record on disk")


def test_a_long_record_is_held_to_the_memory_and_speed_of_short_ones() -> None:
    ran = {
        name: {"signal_s": 3600.0 * hours, "parts": {"ingest": part(cpu_seconds, None, peak)}}
        for name, hours, cpu_seconds, peak in (
            ("one of 1 h", 3, 1.0, 400.0),
            ("many of 1 h", 36, 9.0, 450.0),
            ("long", 216, 60.0, 465.0),
        )
    }
    told = long_record(72, ran)

    assert [(bar.value, bar.met) for bar in told.bars] == [(65.0, False), (0.9, True)]


def test_an_idle_night_has_a_minute() -> None:
    told = {"timings": {"plan ingest": 1.0}, "parts": {"night": part(31.0, None, 400.0)}}

    assert not all_met([idle_night(10, told)])
    assert json.dumps(idle_night(10, told).rows) == json.dumps(
        [["plan ingest", 1.0], ["whole night, Prefect included", 62.0]]
    )
