import json
import shutil

import mlcroissant
import polars as pl
import pytest
from absl import logging

from flows.cohort_summary import CohortSummary
from ops.cohort.croissant import write_croissant
from ops.cohort.export import FORMS, TABLES, drop_tables, write_forms, write_tables
from ops.cohort.folder import sha256_of
from ops.cohort.pressures import measured, pressures
from tests.ops.cohort.rows import made, record, window

# The validator's own parser of RDF is about to change.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

TOLD = {"name": "cohort", "description": "pressures", "version": "1.0.0"}


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """What is recommended and not known (licence, citation, date) is warned of, and no fault."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    yield
    logging.set_verbosity(before)


@pytest.fixture(scope="module")
def exported(ward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("croissant")
    timed = CohortSummary(lake=ward.url, out=str(folder)).timed
    rows = write_tables(pressures(ward, mix=True), folder, timed)
    write_forms(rows, folder, FORMS, timed, version="1")
    write_croissant(folder, TOLD, synthetic=True)
    return folder


def described(folder) -> dict:
    return json.loads((folder / "croissant.json").read_text())


def test_the_validator_finds_no_error(exported) -> None:
    dataset = mlcroissant.Dataset(jsonld=exported / "croissant.json")

    assert not dataset.metadata.ctx.issues.errors
    assert all("is recommended" in warned for warned in dataset.metadata.ctx.issues.warnings)


def test_records_come_out_by_the_description(exported) -> None:
    dataset = mlcroissant.Dataset(jsonld=exported / "croissant.json")
    rows = list(dataset.records("series"))

    assert len(rows) == pl.read_parquet(exported / "series.parquet").height
    assert {row["series/synthetic"] for row in rows} == {True, False}


def test_synthetic_data_are_flagged_in_the_vocabulary_of_responsible_ai(ward, tmp_path) -> None:
    measured(ward).collect().write_parquet(tmp_path / "series.parquet")
    write_croissant(tmp_path, TOLD, synthetic=False)

    assert described(tmp_path)["rai:hasSyntheticData"] is False
    assert described(tmp_path)["@context"]["rai"] == "http://mlcommons.org/croissant/RAI/"
    assert "http://mlcommons.org/croissant/RAI/1.0" in described(tmp_path)["conformsTo"]


def test_an_export_with_made_pressures_says_so(exported) -> None:
    assert described(exported)["rai:hasSyntheticData"] is True


def test_every_file_is_there_with_its_hash(exported) -> None:
    files = {one["contentUrl"]: one["sha256"] for one in described(exported)["distribution"]}
    there = {p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file()}

    assert files.keys() == there - {"croissant.json"}
    assert all(sha256_of(exported / path) == sha256 for path, sha256 in files.items())


def test_every_column_of_the_tables_is_a_field_with_words(exported) -> None:
    sets = {one["@id"]: one["field"] for one in described(exported)["recordSet"]}
    columns = pl.read_parquet_schema(exported / "hourly.parquet")

    assert [field["name"] for field in sets["hourly"]] == list(columns)
    assert all(field["description"] for field in sets["hourly"])
    assert {"series", "hourly", "subjects", "omop_waveform_feature", "meds_data_0"} <= sets.keys()


@pytest.fixture(scope="module")
def numbered(make_lake, tmp_path_factory):
    """An export as CSV alone of 130 subjects, all but the last of whom have a number for a name."""
    names = [*(f"{i:03d}" for i in range(1, 130)), "x12"]
    lake = make_lake(
        tmp_path_factory.mktemp("numbered") / "lake",
        windows=[window(name, 0, None) for name in names],
        backfill=[made(name, 0, 95.0) for name in names],
        records=[record(name) for name in names],
    )
    folder = tmp_path_factory.mktemp("csv")
    timed = CohortSummary(lake=lake.url, out=str(folder)).timed
    rows = write_tables(pressures(lake, "synthetic"), folder, timed)
    write_forms(rows, folder, ("csv", "meds", "croissant"), timed, version="1")
    drop_tables(folder)
    write_croissant(folder, TOLD, synthetic=True)
    return folder, names


@pytest.mark.parametrize("table", ["series", "hourly", "subjects", "meds_subject_map"])
def test_names_that_look_like_numbers_are_text(numbered, table) -> None:
    folder, names = numbered
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")

    assert [row[f"{table}/subject_id"] for row in dataset.records(table)] == [
        name.encode() for name in names
    ]


def test_the_types_of_a_csv_are_those_of_its_parquet(exported, tmp_path) -> None:
    for name in TABLES:
        shutil.copy(exported / f"{name}.csv", tmp_path)
    write_croissant(tmp_path, TOLD, synthetic=True)
    csv, parquet = (
        {
            one["@id"]: [f["dataType"] for f in one["field"]]
            for one in described(folder)["recordSet"]
        }
        for folder in (tmp_path, exported)
    )

    assert csv == {name: parquet[name] for name in TABLES}


def test_a_table_that_is_only_there_as_csv_is_described_too(tmp_path) -> None:
    pl.DataFrame({"sbp": [1.0], "subject_id": ["a"]}).write_csv(tmp_path / "series.csv")
    write_croissant(tmp_path, TOLD, synthetic=False)

    assert mlcroissant.Dataset(jsonld=tmp_path / "croissant.json").metadata.name == "cohort"
    assert described(tmp_path)["recordSet"][0]["@id"] == "series"
