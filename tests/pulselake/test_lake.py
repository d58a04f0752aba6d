import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

import pulselake
from bench.bytes_read import bytes_read_by
from ops.fill.signals import physical
from ops.lake import Lake
from schemas.modality import MODALITIES
from schemas.tables import TABLES


@pytest.fixture
def copy(demo_url, tmp_path) -> str:
    """A copy of the lake, to change."""
    return str(shutil.copytree(demo_url, tmp_path / "lake"))


def later(stored: pl.DataFrame) -> pl.DataFrame:
    """One more window, of a subject who came later."""
    return stored.head(1).with_columns(record_id=pl.lit("late"), subject_id=pl.lit("late"))


def test_every_signal_is_what_its_counts_stand_for(demo, stored) -> None:
    windows = demo.windows().collect()

    assert windows.height == stored.height > 0
    for m in MODALITIES:
        ours = windows[m].fill_null([None] * 500).list.to_array(500).to_numpy()
        np.testing.assert_allclose(ours, physical(stored, m), rtol=1e-5, atol=1e-5)


def test_scales_are_gone_and_everything_else_is_there(demo, stored) -> None:
    scales = {f"{m}_{part}" for m in MODALITIES for part in ("scale", "zero")}

    assert set(demo.windows().collect_schema()) == set(stored.columns) - scales
    assert not set(MODALITIES) & set(demo.windows(signals=False).collect_schema())


def test_a_filter_by_grade_reads_no_signal(tmp_path, stored) -> None:
    store = Lake(str(tmp_path / "lake"))
    many = [
        stored.with_columns(record_id=pl.format("{}-{}", "record_id", pl.lit(i))) for i in range(9)
    ]
    store.put("windows", many)
    (uri,) = store.open("windows").file_uris()
    footer = pq.read_metadata(uri)
    chunks = [
        footer.row_group(i).column(j)
        for i in range(footer.num_row_groups)
        for j in range(footer.num_columns)
    ]
    of_signals = [c for c in chunks if c.path_in_schema.partition(".")[0] in MODALITIES]
    signals = sum(c.total_compressed_size for c in of_signals)
    good = pulselake.open(store.url).windows().filter(pl.col("abp_grade") == "good")
    good.select("sbp").collect()
    rows, n_bytes = bytes_read_by(good.select("record_id", "sbp").collect)

    assert rows.height == 9 * (stored["abp_grade"] == "good").sum()
    assert n_bytes < signals / 5
    assert bytes_read_by(good.select("abp").collect)[1] > signals / 5


def test_synthetic_signals_say_so_and_come_with_their_band(demo) -> None:
    made = demo.synthetic().collect()
    told = made.filter(pl.col("abstained").is_null(), modality="abp")
    middle, low, high = (told[c].list.mean().to_numpy() for c in ("samples", "lower", "upper"))

    assert made.height > 0
    assert made["synthetic"].all()
    assert made["samples"].is_null().equals(made["abstained"].is_not_null())
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert told["unit"].unique().to_list() == ["mmHg"]
    assert {"scale", "zero"}.isdisjoint(made.columns)
    assert "samples" not in demo.synthetic(signals=False).collect_schema()


def test_pressures_are_measured_unless_asked_for(demo, stored) -> None:
    pressures = demo.pressures().collect()

    assert pressures["source"].unique().to_list() == ["measured"]
    assert pressures.height == stored["sbp"].count()


def test_measured_and_synthetic_are_mixed_only_when_asked(demo) -> None:
    with pytest.raises(pulselake.MixedError, match="share a column"):
        demo.pressures("measured", "synthetic")
    mixed = demo.pressures("measured", "synthetic", mix=True).collect()

    assert set(mixed["source"]) == {"measured", "synthetic"}
    assert set(demo.pressures("synthetic").collect()["source"]) == {"synthetic"}


@pytest.mark.parametrize(
    "table",
    ["records", "numerics", "annotations", "demographics", "audit", "quarantine", "runs"],
)
def test_other_tables_are_as_stored(demo, demo_url, table) -> None:
    rows = getattr(demo, table)().collect()

    assert rows.equals(Lake(demo_url).scan(table).collect())
    assert rows.columns == TABLES[table].schema.column_names()


def test_one_dataset_is_read_and_a_misspelt_one_is_told(demo, stored) -> None:
    (dataset,) = stored["dataset"].unique()

    assert demo.windows(dataset).collect().height == stored.height
    assert demo.demographics(dataset).collect().equals(demo.demographics().collect())
    for read in (demo.windows, demo.records, demo.audit):
        with pytest.raises(ValueError, match=rf"has no dataset 'wards'; it has \['{dataset}'\]"):
            read("wards")
    with pytest.raises(ValueError, match="has no dataset 'wards'"):
        demo.pressures(dataset="wards")


def test_a_folder_without_tables_is_no_lake(tmp_path) -> None:
    with pytest.raises(ValueError, match=f"there is no lake at {tmp_path}/nothing"):
        pulselake.open(str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="there is no lake at"):
        pulselake.open(str(tmp_path / "nothing"), as_of="2026-11-23")
    with pytest.raises(ValueError, match="folder or URL"):
        pulselake.open("")

    assert not (tmp_path / "nothing").exists()


def test_a_lake_is_read_as_it_was_when_a_run_had_ended(copy, stored) -> None:
    (run_id,) = pulselake.open(copy).runs().collect()["run_id"]
    Lake(copy).put("windows", [later(stored)])

    then, now = pulselake.open(copy, as_of=run_id), pulselake.open(copy)

    assert now.windows().collect().height == stored.height + 1
    assert then.windows().collect().height == stored.height
    assert then.duckdb().sql("SELECT count(*) FROM windows").fetchone() == (stored.height,)
    assert "late" not in set(then.pressures().collect()["record_id"])
    assert "as of 2" in repr(then)


def test_a_moment_that_no_lake_has_is_told(copy) -> None:
    with pytest.raises(ValueError, match="was not there at 2001"):
        pulselake.open(copy, as_of="2001-01-01")
    with pytest.raises(ValueError, match="is yet to come"):
        pulselake.open(copy, as_of=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(ValueError, match="no time like"):
        pulselake.open(copy, as_of="yesterday")


def test_a_lake_made_before_some_columns_came_reads_alike(demo_url, tmp_path, stored) -> None:
    store = Lake(str(tmp_path / "lake"))
    store.put("windows", [stored])
    made = Lake(demo_url).scan("backfill").collect()
    older = made.drop("calibration", "reference_age_s", "abstained", "reference_sha256")
    older.write_delta(f"{store.url}/backfill", delta_write_options={"partition_by": ["dataset"]})
    lake = pulselake.open(store.url)
    training = lake.dataset("train", shares={"train": 1.0}, synthetic="classical-1")
    count = "SELECT count(*), count(samples), count(abstained) FROM backfill"

    assert lake.synthetic().collect()["abstained"].null_count() == made.height
    assert lake.duckdb().sql(count).fetchone() == (made.height, made["samples"].count(), 0)
    assert any(item["abp_synthetic"] for item in training.__getitems__(range(len(training))))


def test_reading_everything_leaves_the_lake_untouched(copy) -> None:
    def told() -> dict[Path, tuple[int, int]]:
        return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in Path(copy).rglob("*")}

    before = told()
    lake = pulselake.open(copy)
    for table in ("windows", "synthetic", "pressures", "records", "numerics", "audit", "runs"):
        getattr(lake, table)().collect()
    lake.dataset("train", shares={"train": 1.0})[0]
    lake.duckdb().sql("SELECT * FROM windows").fetchall()

    assert told() == before


def test_a_lake_on_s3_is_read_alike(s3_url, demo) -> None:
    there = pulselake.open(s3_url)

    assert there.windows().collect().equals(demo.windows().collect())
    with pytest.raises(ValueError, match="there is no lake at s3://hospital/none"):
        pulselake.open("s3://hospital/none")
