import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from bench.ingest import compare, memory, run_way, tri_modal_hour
from bench.ingest_archives import MIMIC_SEGMENT, good_records, lay_out
from bench.report import all_met, at_least, at_most, write


def archive(folder: Path, seconds: int) -> Path:
    """One tri-modal record at 250 Hz, 75 beats/min."""
    folder.mkdir()
    t = np.arange(seconds * 250) / 250
    wave = np.sin(2 * np.pi * 1.25 * t)
    wfdb.wrsamp(
        "r",
        250,
        ["mV", "NU", "mmHg"],
        ["II", "PLETH", "ABP"],
        p_signal=np.stack([wave**9, wave, 100 + 20 * wave], axis=1),
        fmt=["16"] * 3,
        write_dir=str(folder),
    )
    (folder / "RECORDS").write_text("r\n")
    return folder


def ran(seconds: float, cpu_seconds: float, peak_mib: float) -> dict[str, Any]:
    """What a process tells of a tri-modal hour."""
    run = {"windows": 900, "signal_s": 3 * 3600.0, "asked": 9, "refused": 2}
    runs = [{**run, "seconds": seconds, "cpu_seconds": cpu_seconds}] * 3
    parts = {"grade": 0.5, "all": 1.0}
    return {"runs": runs, "parts": parts, "imported_mib": 200.0, "peak_mib": peak_mib}


def test_both_ways_find_the_same_signal_hours_and_one_part_of_the_profile_is_all(
    tmp_path: Path,
) -> None:
    source = archive(tmp_path / "source", seconds=20)
    ours = run_way("pulselake", source, source, repeats=1)
    theirs = run_way("straightforward", source, source, repeats=1)

    for told in (ours, theirs):
        assert told["runs"][0]["windows"] == 5
        assert told["runs"][0]["signal_s"] == 60.0
        assert told["runs"][0]["cpu_seconds"] > 0
        assert told["imported_mib"] <= told["peak_mib"]
    parts = ours["parts"]
    assert min(parts.values()) > 0
    assert max(parts.values()) == parts["all"]


def test_a_way_that_fails_says_so(tmp_path: Path) -> None:
    source = archive(tmp_path / "source", seconds=4)
    (source / "r.hea").unlink()

    with pytest.raises(RuntimeError, match=r"straightforward failed on source: .*r\.hea"):
        run_way("straightforward", source, source, repeats=1)


def test_bars_are_met_or_missed_by_cpu_seconds(tmp_path: Path) -> None:
    ours = {"hour": ran(4.0, 1.2, 400.0), "short": ran(2.0, 2.0, 410.0)}
    theirs = {"hour": ran(60.0, 24.0, 300.0), "short": ran(60.0, 24.0, 310.0)}
    compared, hour = compare(ours, theirs), tri_modal_hour(ours)

    assert [(bar.value, bar.met) for bar in compared.bars] == [(20.0, True), (12.0, False)]
    assert [(bar.value, bar.met) for bar in hour.bars] == [(3000.0, True), (1800.0, False)]
    assert compared.rows[0][2:] == [3.0, 4.0, 1.2, 0.75, 2.5]
    assert compared.note.startswith("NeuroKit2 gave up on 4 of 18 signals")
    assert [row[-1] for row in memory(ours, theirs).rows] == [400.0, 300.0, 410.0, 310.0]
    assert not all_met([compared, hour])
    write(tmp_path / "x" / "ingest.json", [hour], {"records": 2})
    told = json.loads((tmp_path / "x" / "ingest.json").read_text())
    assert (told["records"], told["bars"][1]["met"]) == (2, False)


def test_a_bar_is_met_by_just_enough() -> None:
    assert at_least("a", 15.0, 15).met
    assert at_most("b", 3.0, 3).met
    assert not at_least("c", float("nan"), 15).met


def test_archives_hold_real_records_and_the_warm_up_another(
    real_wfdb: Path, tmp_path: Path
) -> None:
    archives = lay_out(real_wfdb, 1, tmp_path)
    header = wfdb.rdheader(str(archives["hour"] / "hour"))

    assert (header.fs, header.sig_len, header.sig_name) == (250, 900_000, ["II", "PLETH", "ABP"])
    first, second = good_records(real_wfdb)[:2]
    assert (archives["short"] / "RECORDS").read_text() == f"{first}\n"
    assert (archives["warm-up"] / "RECORDS").read_text() == f"{second}\n"
    assert (archives["mimic4"] / f"{MIMIC_SEGMENT}.hea").is_file()
