"""One night of an archive in which every folder holds one hostile thing."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.config import IngestConfig
from flows.ingest import ingest
from flows.summary import RunSummary
from ops.lake import Lake

II = "r.dat 16 200/mV 16 0 0 0 0 II"
COUNTS = np.arange(1000).astype("<i2").tobytes()
PATH = "is no path below its folder"
OUTSIDE = "names a file outside its folder"

HEADERS = {
    "long": f"r 1 125 1000000000000\n{II}",
    "wide": "r 10000 125 1000\n" + f"{II}\n" * 10_000,
    "gain": "r 1 125 1000\nr.dat 16 NaN/mV 16 0 0 0 0 II",
    "still": f"r 1 0 1000\n{II}",
    "backward": f"r 1 -125 1000\n{II}",
    "slow": f"r 1 1e-300 1000\n{II}",
    "year": f"r 1 125 1000 12:00:00 01/01/0000\n{II}",
    "latin": "r 1 125 1000\nr\xff.dat 16 200/mV 16 0 0 0 0 II",
    "twins": f"r 2 125 500\n{II}\n{II}",
    "up": f"r 1 125 1000\n../{II}",
    "root": "r 1 125 1000\n/etc/passwd 16 200/mV 16 0 0 0 0 II",
    "web": "r 1 125 1000\nhttp://127.0.0.1:9/r.dat 16 200/mV 16 0 0 0 0 II",
    "chain": "r 1 125 1000\nsimplecache::r.dat 16 200/mV 16 0 0 0 0 II",
    "again": "r/101 1 125 101\n" + "s 1\n" * 101,
}  # fmt: skip
CATALOGS = {
    "twice": b"r\nr\nbelow/r\n",
    "below": b"../outside/r\n/etc/passwd\ns3://bucket/r\nr\xff\n",
}
REASONS = {
    "long": [("long/r.dat", "read", "has 2000 bytes, its header needs 2000000000000")],
    "wide": [("wide/r.hea", "header", "number of signals in header r is 10000, more than 512")],
    "gain": [("gain/r.hea", "header", "gain in header r is not a number: 'NaN'")],
    "still": [("still/r.hea", "header", "must be in [1e-06, 100000] Hz, got 0")],
    "backward": [("backward/r.hea", "header", "must be in [1e-06, 100000] Hz, got -125")],
    "slow": [("slow/r.hea", "header", "must be in [1e-06, 100000] Hz, got 1e-300")],
    "latin": [("latin/r\ufffd.dat", "fetch", "of r is not in the archive")],
    "up": [("up/r.hea", "header", OUTSIDE)],
    "root": [("root/r.hea", "header", OUTSIDE)],
    "web": [("web/r.hea", "header", OUTSIDE)],
    "chain": [("chain/r.hea", "header", "by what can't be a file name")],
    "again": [("again/s.hea", "read", "segment s is named more than 100 times")],
    "below": [(f"below/RECORDS#line={number}", "catalog", PATH) for number in (1, 2, 3, 4)],
    "signal_link": [("signal_link/r.dat", "fetch", "it leads out of the source")],
    "header_link": [("header_link/r.hea", "fetch", "it leads out of the source")],
    "folder_link": [("folder_link/out", "catalog", "links to folders are not followed")],
    "odd": [("odd/r\\udcff.hea", "catalog", "has characters in its name that can't be printed")],
    "odd_folder\\udcff": [
        ("odd_folder\\udcff/RECORDS", "catalog", "can't be printed"),
        ("odd_folder\\udcff/r.hea", "catalog", "can't be printed"),
    ],
}


def put(folder: Path, header: str = f"r 1 125 1000\n{II}") -> None:
    folder.mkdir(parents=True)
    (folder / "r.hea").write_bytes(header.encode("latin-1"))
    (folder / "r.dat").write_bytes(COUNTS)


def write_hostile(root: Path) -> None:
    """Write the archive, and beside it a good record that nothing in it may reach."""
    outside, archive = root / "outside", root / "archive"
    put(outside)
    for name, header in HEADERS.items():
        put(archive / name, header)
    (archive / "again" / "s.hea").write_text("s 1 125 1\nr.dat 16 200/mV 16 0 0 0 0 II\n")
    for name, catalog in CATALOGS.items():
        put(archive / name)
        (archive / name / "RECORDS").write_bytes(catalog)
    put(archive / "twice" / "below")
    (archive / "twice" / "below" / "RECORDS").write_text("r\n./r\n")
    for name in ("signal_link", "header_link", "folder_link", "odd"):
        put(archive / name)
    for link, kind in (("signal_link/r.dat", "r.dat"), ("header_link/r.hea", "r.hea")):
        (archive / link).unlink()
        (archive / link).symlink_to(outside / kind)
    (archive / "folder_link" / "out").symlink_to("../../outside")
    (archive / "odd" / "r.hea").rename(archive / "odd" / "r\udcff.hea")
    put(archive / "unnamed")
    (archive / "unnamed" / "RECORDS").write_text("r\nnothing\n")
    (archive / "unnamed").rename(archive / "odd_folder\udcff")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[IngestConfig, RunSummary]:
    root = tmp_path_factory.mktemp("hostile")
    write_hostile(root)
    config = IngestConfig(source=str(root / "archive"), lake=str(root / "lake"), workers=0)
    return config, ingest(config)


@pytest.fixture(scope="module")
def quarantine(night) -> pl.DataFrame:
    return Lake(night[0].lake).scan("quarantine").sort("path").collect()


@pytest.fixture(scope="module")
def records(night) -> pl.DataFrame:
    return Lake(night[0].lake).scan("records").collect()


@pytest.mark.parametrize("folder", REASONS)
def test_a_hostile_input_is_in_quarantine_with_one_sentence(quarantine, folder) -> None:
    rows = quarantine.filter(pl.col("path").str.starts_with(f"{folder}/"))
    told = list(rows.select("path", "step").iter_rows())

    assert told == [(path, step) for path, step, _ in REASONS[folder]]
    for reason, (_, _, why) in zip(rows["reason"], REASONS[folder], strict=True):
        assert why in reason
        assert reason.isprintable()
        assert len(reason) < 200


def test_nothing_else_is_in_quarantine(quarantine) -> None:
    assert quarantine.height == sum(len(rows) for rows in REASONS.values())


def test_a_date_of_year_0_leaves_the_clock_unknown_and_the_signals_whole(records) -> None:
    (row,) = records.filter(record_id="year/r").iter_rows(named=True)

    assert (row["status"], row["n_windows"], row["start_time"]) == ("complete", 2, None)


def test_signals_of_one_name_are_one_lead_of_each_window(night, records) -> None:
    windows = Lake(night[0].lake).scan("windows").filter(record_id="twins/r").collect()

    assert records.filter(record_id="twins/r")["status"].to_list() == ["complete"]
    assert windows["ecg_lead"].to_list() == ["II"]
    # Frames alternate between the two: the first has the even counts.
    assert np.diff(windows["ecg"][0].to_numpy()[:5]).min() > 0


def test_a_record_that_catalogs_name_many_times_is_read_once(night, records) -> None:
    windows = Lake(night[0].lake).scan("windows").collect()
    for name in ("twice/r", "twice/below/r"):
        assert records.filter(record_id=name).height == 1
        assert windows.filter(record_id=name)["window_index"].sort().to_list() == [0, 1]


def test_what_can_be_read_is_in_and_nothing_from_outside_the_archive(records) -> None:
    partial = {"long", "latin", "again", "signal_link"}
    whole = {"year", "twins", "twice", "twice/below", "folder_link"}
    told = dict(records.select("record_id", "status").iter_rows())

    assert told == {f"{name}/r": "partial" for name in partial} | {
        f"{name}/r": "complete" for name in whole
    }


def test_the_next_night_tries_again_only_what_could_not_be_fetched(night, quarantine) -> None:
    again = ingest(night[0])
    rows = Lake(night[0].lake).scan("quarantine").sort("path").collect()
    newer = rows.filter(pl.col("run_id") == again.run_id)

    assert again.records_ingested == 0
    assert newer["path"].to_list() == ["header_link/r.hea"]
    assert rows["reason"].equals(quarantine["reason"])
