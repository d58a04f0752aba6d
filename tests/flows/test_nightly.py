import os
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from flows import restorers
from flows.config import IngestConfig, NightlyConfig
from flows.ingest import ingest
from flows.nightly import nightly
from infra.demo.s3 import upload
from ops.lake import Lake
from ops.restore import ClassicalRestorer
from schemas.tables import TABLES


def versions(lake_url: str) -> dict[str, int]:
    opened = {name: Lake(lake_url).open(name) for name in TABLES if name != "runs"}
    return {name: delta.version() for name, delta in opened.items() if delta is not None}


def test_a_night_reads_every_record_and_names_the_corrupt_one(first_night) -> None:
    _, summary = first_night

    assert summary.records_found == 12
    assert (summary.records_ingested, summary.records_quarantined) == (11, 1)
    assert summary.windows == sum(summary.grades["ecg"].values())
    assert summary.backfilled["translate"]["abp"] > 0
    assert [line.step for line in summary.quarantined] == ["read"]
    assert summary.peak_rss_mib > 0


def test_a_second_night_reads_nothing_and_changes_no_row(config) -> None:
    before = versions(config.lake)
    summary = nightly(config)

    assert (summary.records_unchanged, summary.records_quarantined) == (11, 1)
    assert summary.records_ingested == 0
    assert summary.rows_changed == 0
    assert versions(config.lake) == before
    assert any("no row of the lake was changed" in sentence for sentence in summary.sentences())


def test_a_changed_record_is_read_again_alone(config, ward) -> None:
    (changed,) = [h for h in ward.rglob("*.hea") if h.stem == first_flat_record(config.lake)]
    signal_file = next(changed.parent.glob(f"{changed.stem}*.dat"))
    os.utime(signal_file)
    summary = nightly(config)

    assert summary.records_ingested == 1
    assert summary.records_unchanged == 10


def first_flat_record(lake_url: str) -> str:
    complete = (
        Lake(lake_url)
        .scan("records")
        .filter(pl.col("status") == "complete", pl.col("n_segments") == 0)
    )
    return Path(complete.collect()["record_id"].sort()[0]).name


def test_a_record_that_vanished_is_reported_and_its_rows_stay(config, ward, rows_of) -> None:
    before = rows_of(config.lake)
    lines = (ward / "RECORDS").read_text().splitlines()
    (ward / "RECORDS").write_text("\n".join(lines[1:]) + "\n")
    summary = nightly(config)

    assert summary.records_vanished == [lines[0]]
    assert rows_of(config.lake)["windows"].equals(before["windows"])


def test_a_mended_record_leaves_quarantine(config, ward) -> None:
    victim = max(ward.rglob("*.dat"), key=lambda path: path.stat().st_size)
    whole = victim.read_bytes()
    victim.write_bytes(whole[:1000])
    broken = {line.path for line in nightly(config).quarantined}
    victim.write_bytes(whole)
    mended = {line.path for line in nightly(config).quarantined}

    assert broken - mended == {str(victim.relative_to(ward))}


def test_a_night_on_s3_with_actors_makes_the_rows_of_one_on_disk(config, ward, s3, rows_of) -> None:
    source = s3.url("actors", "ward")
    upload(ward, source, **s3.storage_options)
    far = config.model_copy(
        update={"source": source, "lake": s3.url("actors", "lake"), "workers": 2}
    )
    nightly(far)

    ours, theirs = rows_of(far.lake), rows_of(config.lake)
    for table in ("windows", "numerics", "backfill"):
        assert ours[table].equals(theirs[table]), table
    told_by_store = ["etag", "fingerprint"]
    assert ours["records"].drop(told_by_store).equals(theirs["records"].drop(told_by_store))


def test_a_new_reader_version_reads_again(config, monkeypatch) -> None:
    monkeypatch.setattr("flows.ingest.CODE_VERSION", "reader 0, grader 0")
    summary = ingest(ingest_config(config))

    assert summary.records_ingested + summary.records_quarantined == 12
    assert summary.records_unchanged == 0


def ingest_config(config: NightlyConfig):
    return IngestConfig(source=config.source, lake=config.lake, workers=0)


def test_a_shard_that_keeps_failing_is_quarantined_and_the_rest_goes_on(
    config, monkeypatch
) -> None:
    monkeypatch.setattr(restorers, "ClassicalRestorer", Fragile)
    fragile = config.model_copy(update={"seed": 1})
    summary = nightly(fragile)
    again = nightly(fragile)

    assert summary.shards_quarantined == 1
    assert summary.shards > 1
    assert again.shards == 0
    (line,) = [line for line in summary.quarantined if line.step == "backfill"]
    assert "was given up: a restorer of glass" in line.reason


class Fragile:
    """The classical restorer, but for one record's first window."""

    def __init__(self) -> None:
        self._inner = ClassicalRestorer()

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def restore(self, batch):
        if batch.task == "translate" and batch.seeds[0] == self._victim(batch):
            message = "a restorer of glass"
            raise RuntimeError(message)
        return self._inner.restore(batch)

    def _victim(self, batch) -> int:
        type(self).victim = getattr(type(self), "victim", None) or batch.seeds[0]
        return type(self).victim


def test_a_dataset_keeps_one_kind_of_names(config) -> None:
    hidden = config.model_copy(
        update={"deidentify": True, "deid_key": SecretStr("a key of sixteen and more")}
    )

    with pytest.raises(ValueError, match="was written by its own names"):
        nightly(hidden)


def test_a_dataset_may_be_called_by_any_letters(config) -> None:
    summary = nightly(config.model_copy(update={"dataset": "Köln [red]/1", "workers": 0}))

    assert summary.windows > 0


def test_no_window_is_filled_beyond_its_records_end(first_night) -> None:
    lake = Lake(first_night[0].lake)
    ends = lake.scan("records").select("record_id", "duration_s")
    late = (
        lake.scan("backfill")
        .join(ends, on="record_id")
        .filter(pl.col("start_s") + 4 > pl.col("duration_s") + 0.01)
    )

    assert late.collect().is_empty()


@pytest.mark.parametrize("commit_every_s", [0.0, 60.0])
def test_a_file_that_two_records_share_is_in_quarantine_once(tmp_path, commit_every_s) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "shared.dat").write_bytes(b"too short")
    for name in ("one", "two"):
        (archive / f"{name}.hea").write_text(
            f"{name} 1 125 1000\nshared.dat 16 200 16 0 0 0 0 II\n"
        )
    config = NightlyConfig(
        source=str(archive),
        lake=str(tmp_path / "lake"),
        workers=0,
        commit_every_s=commit_every_s,
    )
    summary = nightly(config)

    assert summary.records_found == 2
    assert [line.path for line in summary.quarantined] == ["shared.dat"]
