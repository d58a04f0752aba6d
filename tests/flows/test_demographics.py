import shutil
from pathlib import Path

import fsspec
import polars as pl
import pytest
from pydantic import SecretStr, ValidationError

from flows.config import IngestConfig, NightlyConfig, load_toml
from flows.ingest import ingest
from flows.options import build
from infra.demo.ward import WardRecord, write_ward
from ops.deidentify import Deidentifier
from ops.lake import Lake

KEY = "a key of sixteen and more"
TOLD = ["care_unit", "sex", "age_years", "race", "skin_tone"]


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> tuple[Path, list[WardRecord], int]:
    """A ward of three and its lake after one night: the folder of both, and rows changed."""
    folder = tmp_path_factory.mktemp("ward")
    told = write_ward(folder / "ward", subjects=3, minutes=1)
    config = IngestConfig(source=str(folder / "ward"), lake=str(folder / "lake"), workers=0)
    return folder, told, ingest(config).rows_changed


@pytest.fixture
def config(first, tmp_path) -> IngestConfig:
    """A next night, on copies."""
    shutil.copytree(first[0] / "ward", tmp_path / "ward")
    shutil.copytree(first[0] / "lake", tmp_path / "lake")
    return IngestConfig(source=str(tmp_path / "ward"), lake=str(tmp_path / "lake"), workers=0)


def told_of(config: IngestConfig) -> dict[str, tuple[object, ...]]:
    rows = Lake(config.lake).scan("demographics").collect()
    return {row["record_id"]: tuple(row[name] for name in TOLD) for row in rows.to_dicts()}


def with_site(config: IngestConfig, text: str, **changes: object) -> IngestConfig:
    """The same night with a site's table."""
    path = Path(config.lake).with_name("site.csv")
    path.write_text(text)
    return config.model_copy(update={"subjects": str(path), **changes})


def test_a_night_takes_unit_sex_and_age_from_the_headers(first) -> None:
    folder, ward, _ = first
    rows = Lake(str(folder / "lake")).scan("demographics").sort("record_id").collect()

    assert rows.select("record_id", "subject_id", *TOLD).rows() == [
        (r.record_id, r.subject_id, r.care_unit, r.sex, float(r.age_years), None, None)
        for r in ward
    ]
    assert rows["run_id"].n_unique() == 1


def test_a_second_night_changes_no_row(config) -> None:
    before = Lake(config.lake).open("demographics").version()
    summary = ingest(config)

    assert summary.rows_changed == 0
    assert Lake(config.lake).open("demographics").version() == before


def test_the_sites_table_goes_before_the_headers_and_changes_its_own_rows_alone(
    config, first
) -> None:
    ward = first[1]
    site = with_site(config, f"subject_id,race,age_years\n{ward[1].subject_id},ASIAN,44\n999,,1\n")
    before = told_of(config)
    night, again = ingest(site), ingest(site)

    after = told_of(config)
    assert (night.rows_changed, again.rows_changed) == (2, 0)
    assert after["w0001"] == (ward[1].care_unit, ward[1].sex, 44.0, "ASIAN", None)
    assert {k: v for k, v in after.items() if k != "w0001"} == {
        k: v for k, v in before.items() if k != "w0001"
    }


def test_a_night_without_the_table_tells_by_the_headers_again(config, first) -> None:
    before = told_of(config)
    ingest(with_site(config, f"subject_id,race\n{first[1][0].subject_id},ASIAN\n"))
    ingest(config)

    assert told_of(config) == before


def test_rows_of_records_that_are_gone_go(config) -> None:
    lake = Lake(config.lake)
    lake.commit("records", replacing=pl.DataFrame({"dataset": ["ward"], "record_id": ["w0002"]}))
    (Path(config.source) / "RECORDS").write_text("w0000\nw0001\n")
    summary = ingest(config)

    assert sorted(told_of(config)) == ["w0000", "w0001"]
    assert summary.rows_changed == 1


def test_another_datasets_rows_stay(config) -> None:
    ingest(config.model_copy(update={"dataset": "other"}))
    rows = Lake(config.lake).scan("demographics").collect()

    assert rows.group_by("dataset").len().sort("dataset").rows() == [("other", 3), ("ward", 3)]


def test_a_table_that_is_none_ends_the_night_before_a_record_is_read(config, tmp_path) -> None:
    fresh = with_site(config, "subject_id,sex\n7,F\n7,M\n", lake=str(tmp_path / "fresh"))

    with pytest.raises(ValueError, match=r"site\.csv has subject 7 more than once"):
        ingest(fresh)
    assert Lake(fresh.lake).open("windows") is None


def test_a_table_that_is_not_there_is_named(config) -> None:
    absent = config.model_copy(update={"subjects": "/no/site.csv"})

    with pytest.raises(FileNotFoundError, match=r"/no/site\.csv is not there"):
        ingest(absent)


def test_a_table_may_lie_in_a_bucket(config, first, s3) -> None:
    url = s3.url("told", "site.parquet")
    site = pl.DataFrame({"subject_id": [int(first[1][0].subject_id)], "skin_tone": ["VI"]})
    with fsspec.open(url, "wb") as file:
        site.write_parquet(file)
    ingest(config.model_copy(update={"subjects": url}))

    assert told_of(config)["w0000"][4] == "VI"


@pytest.fixture
def hidden(config, first, tmp_path) -> IngestConfig:
    """A de-identified night whose site's table names somebody wherever it can."""
    ids = [record.subject_id for record in first[1]]
    text = (
        "subject_id,age_years,sex,care_unit,race\n"
        f"{ids[0]},97,F,MICU,WHITE\n{ids[1]},63,M,Vorlun ward,Vorlun\n"
    )
    changes = {"dataset": "hidden", "deidentify": True, "deid_key": SecretStr(KEY)}
    return with_site(config, text, lake=str(tmp_path / "hidden"), **changes)


def test_a_deidentified_lake_tells_by_the_sites_table_alone_and_names_nobody(hidden, first) -> None:
    night, again = ingest(hidden), ingest(hidden)
    lake = Lake(hidden.lake)
    rows = lake.scan("demographics").sort("age_years").collect()
    records = lake.scan("records").select("record_id", "subject_id").collect()
    names = [Deidentifier(KEY.encode()).name("subject", r.subject_id) for r in first[1]]

    assert night.rows_changed > again.rows_changed == 0
    assert rows.select("subject_id", *TOLD).rows() == [
        (names[1], None, "M", 63.0, None, None),
        (names[0], "micu", "F", 90.0, "WHITE", None),
    ]
    assert rows.join(records, on=["record_id", "subject_id"], how="semi").height == 2


def test_a_deidentified_night_fails_on_a_table_without_naming_anybody(hidden) -> None:
    table = Path(hidden.subjects)
    table.write_text(table.read_text().replace(",63,", ",Vorlun,"))

    with pytest.raises(ValueError, match="column age_years can't hold …") as failed:
        ingest(hidden)
    assert hidden.subjects in str(failed.value)
    assert "Vorlun" not in str(failed.value)
    (run,) = Lake(hidden.lake).scan("runs").collect().rows(named=True)
    assert "Vorlun" not in str(run)


def test_a_tables_path_becomes_absolute_and_its_url_holds_no_secret(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "night.toml").write_text('source = "a"\nlake = "b"\nsubjects = "site.csv"\n')

    of_toml = NightlyConfig(**load_toml(tmp_path / "night.toml"))
    of_command = build(IngestConfig, {"subjects": "s3://bucket/b.csv"}, tmp_path / "night.toml")
    assert of_toml.subjects == str(tmp_path / "site.csv")
    assert of_command.subjects == "s3://bucket/b.csv"
    with pytest.raises(ValidationError, match="holds a password") as refused:
        IngestConfig(source="a", lake="b", subjects="s3://me:numbat@bucket/site.csv")
    assert "numbat" not in str(refused.value)
