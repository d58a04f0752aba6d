import json

import meds
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cohort.export import ORDER
from ops.cohort.meds import MEDS_VERSION, write_meds
from ops.cohort.pressures import pressures
from ops.cohort.scalars import hashed


@pytest.fixture(scope="module")
def events(ward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("meds") / "meds"
    flag = pl.col("source") == "synthetic"
    rows = pressures(ward, mix=True).with_columns(synthetic=flag).sort(ORDER)
    write_meds(rows, folder, version="1.2")
    return folder


def read(folder) -> pl.DataFrame:
    return pl.read_parquet(folder / "data" / "0.parquet")


def test_the_schemas_of_meds_take_it_as_it_is(events) -> None:
    meds.DataSchema.validate(pq.read_table(events / "data" / "0.parquet"))
    meds.CodeMetadataSchema.validate(pq.read_table(events / "metadata" / "codes.parquet"))
    about = json.loads((events / "metadata" / "dataset.json").read_text())
    meds.DatasetMetadataSchema.validate(about)

    assert about["meds_version"] == MEDS_VERSION == meds.__version__
    assert about["etl_version"] == "1.2"


def test_a_subject_s_events_lie_together_in_the_order_of_time(events) -> None:
    rows = read(events)

    assert rows["subject_id"].rle().len() == rows["subject_id"].n_unique()
    assert rows.select(pl.col("time").is_sorted().over("subject_id")).to_series().all()


def test_codes_say_measured_or_synthetic_and_bounds_have_their_own(events) -> None:
    rows = read(events)
    of = dict(rows.group_by("code").agg(pl.col("numeric_value").first()).iter_rows())

    assert of["SBP//measured//mmHg"] == 100.0
    assert of["SBP//synthetic//mmHg"] in {90.0, 95.0}
    assert {"MAP//synthetic//lower//mmHg", "MAP//synthetic//upper//mmHg"} <= of.keys()
    assert "MAP//measured//lower//mmHg" not in of
    assert rows.filter("synthetic")["code"].str.contains("//synthetic//").all()
    assert rows.filter(~pl.col("synthetic"))["code"].str.contains("//measured//").all()


def test_every_code_is_in_the_metadata_and_only_measured_ones_have_parents(events) -> None:
    codes = pl.read_parquet(events / "metadata" / "codes.parquet")
    parented = codes.filter(pl.col("parent_codes").list.len() > 0)

    assert set(read(events)["code"]) <= set(codes["code"])
    assert parented["code"].str.contains("//measured//").all()
    assert parented.height == 3


def test_an_abstention_is_an_event_without_a_value(events) -> None:
    (row,) = read(events).filter(pl.col("numeric_value").is_null()).rows(named=True)

    assert row["code"] == "BP//synthetic//abstained//reference_age"


def test_the_subject_behind_a_number_is_told(events) -> None:
    told = pl.read_csv(events / "subject_map.csv", schema_overrides={"subject_id": pl.String})

    assert told.rows() == [("ward", "a", hashed("ward", "a"))]
    assert read(events)["subject_id"].unique().to_list() == [hashed("ward", "a")]


def test_no_events_make_a_data_set_that_meds_takes(ward, tmp_path) -> None:
    none = pressures(ward, mix=True).with_columns(synthetic=pl.lit(value=True)).clear()
    write_meds(none, tmp_path / "meds", version="1")

    meds.DataSchema.validate(pq.read_table(tmp_path / "meds" / "data" / "0.parquet"))


@given(st.text(), st.text())
def test_a_number_is_positive_and_fits_64_bits(dataset, subject) -> None:
    assert 0 <= hashed(dataset, subject) < 2**63
