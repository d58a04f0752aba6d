import errno
import os

import polars as pl
import pytest

from flows.config import IngestConfig
from flows.ingest import in_order, ingest
from ops.catalog import PlannedRecord
from ops.lake import Lake
from ops.source import Entry
from ops.source_folder import Folder


def planned(record_id: str, size: int) -> PlannedRecord:
    path = f"{record_id}.hea"
    return PlannedRecord(record_id, path, "new", (Entry(path, size, "1"),), (path,), "")


def test_large_records_are_read_first_and_the_rest_by_name() -> None:
    small = [planned(f"r{i:03}", 10 + i % 7) for i in range(300)]
    night = [*reversed(small), planned("z", 5000), planned("m", 9000)]
    order = [one.record_id for one in in_order(night)]

    assert order[:2] == ["m", "z"]
    assert order[2:] == sorted(order[2:])


def test_few_records_are_read_the_largest_first() -> None:
    order = [one.record_id for one in in_order([planned("a", 10), planned("b", 30)])]

    assert order == ["b", "a"]


def test_an_input_that_is_gone_and_never_came_in_leaves_quarantine(config, ward) -> None:
    reading = IngestConfig(source=config.source, lake=config.lake, workers=0)
    listed = (ward / "RECORDS").read_text()
    (ward / "RECORDS").write_text(f"{listed}bad\n")
    (ward / "bad.hea").write_text("no header at all\n")
    met = ingest(reading)
    (ward / "RECORDS").write_text(listed)
    (ward / "bad.hea").unlink()
    gone = ingest(reading)

    assert "bad.hea" in {line.path for line in met.quarantined}
    assert "bad.hea" not in {line.path for line in gone.quarantined}
    assert gone.records_vanished == []
    assert ingest(reading).rows_changed == 0


def test_names_left_by_a_night_cut_short_are_not_mixed_with_hidden_ones(config) -> None:
    lake = Lake(config.lake)
    rows = lake.scan("records").select("dataset", "record_id").collect()
    lake.commit("records", replacing=rows)  # as where a night ends before its last commit
    hidden = IngestConfig(
        source=config.source,
        lake=config.lake,
        workers=0,
        dataset=rows["dataset"][0],
        deidentify=True,
        deid_key="a key of sixteen and more",
    )

    with pytest.raises(ValueError, match="left by a night cut short: finish that night"):
        ingest(hidden)
    assert lake.scan("windows").select(pl.len()).collect().item() > 0


def test_a_hidden_night_cut_short_is_gone_on_with(config, tmp_path) -> None:
    hidden = IngestConfig(
        source=config.source,
        lake=str(tmp_path / "hidden"),
        workers=0,
        dataset="ward",
        deidentify=True,
        deid_key="a key of sixteen and more",
    )
    whole = ingest(hidden)
    lake = Lake(hidden.lake)
    lake.commit("records", replacing=lake.scan("records").select("dataset", "record_id").collect())

    assert ingest(hidden).windows == whole.windows


def test_a_fault_that_passes_takes_nothing_of_a_record_that_is_in(
    config, ward, rows_of, monkeypatch
) -> None:
    reading = IngestConfig(source=config.source, lake=config.lake, workers=0, attempts=1)
    before = rows_of(config.lake)
    record = before["records"].filter(pl.col("status") == "complete")["record_id"][0]
    os.utime(ward / f"{record}.hea")
    bring = Folder.bring

    def broken(self, path, to, entry) -> None:
        if path.startswith(record):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        bring(self, path, to, entry)

    with monkeypatch.context() as disk:
        disk.setattr(Folder, "bring", broken)
        disk.setattr("ops.source.FIRST_WAIT_S", 0.0)
        faulty = ingest(reading)
    kept = rows_of(config.lake)
    mended = ingest(reading)

    for name in ("windows", "numerics", "backfill", "records"):
        assert kept[name].equals(before[name]), name
    told = {line.path: line.reason for line in faulty.quarantined}
    assert "what the lake has of the record stays" in told[f"{record}.hea"]
    assert mended.records_ingested == 1
    assert f"{record}.hea" not in {line.path for line in mended.quarantined}
