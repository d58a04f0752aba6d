import polars as pl
import pytest

from ops.cohort.export import ORDER
from ops.cohort.omop import write_omop
from ops.cohort.pressures import SOURCES, pressures
from ops.cohort.scalars import hashed
from tests.ops.cohort.rows import made, record, window

COLUMNS = {
    "waveform_occurrence": "waveform_occurrence_id waveform_occurrence_concept_id person_id "
    "waveform_occurrence_start_datetime waveform_occurrence_end_datetime visit_occurrence_id "
    "visit_detail_id preceding_waveform_occurrence_id waveform_format_concept_id "
    "waveform_occurrence_source_value num_of_files waveform_format_source_value",
    "waveform_registry": "waveform_registry_id waveform_occurrence_id waveform_feature_id "
    "person_id waveform_file_start_datetime waveform_file_end_datetime visit_occurrence_id "
    "visit_detail_id "
    "file_extension_concept_id file_extension_source_value waveform_source_file_uri "
    "waveform_target_file_uri",
    "waveform_channel_metadata": "waveform_channel_metadata_id waveform_registry_id "
    "procedure_occurrence_id device_exposure_id waveform_channel_source_value channel_concept_id "
    "metadata_source_value metadata_concept_id value_as_number value_as_concept_id value_as_string "
    "unit_concept_id unit_source_value",
    "waveform_feature": "waveform_feature_id waveform_occurrence_id waveform_registry_id "
    "waveform_channel_metadata_id measurement_id observation_id algorithm_concept_id "
    "algorithm_source_value anatomic_site_concept_id waveform_feature_start_timestamp "
    "waveform_feature_end_timestamp is_feature_overflow value_as_number value_as_concept_id "
    "value_as_string value_is_a_registry_file unit_concept_id unit_source_value synthetic",
}


@pytest.fixture(scope="module")
def omop(ward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("omop") / "omop"
    flag = pl.col("source") == "synthetic"
    write_omop(pressures(ward, mix=True).with_columns(synthetic=flag).sort(ORDER), folder)
    return folder


def read(folder, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_has_the_columns_of_the_specification(omop, name) -> None:
    assert read(omop, name).columns == COLUMNS[name].split()


@pytest.mark.parametrize("name", [*COLUMNS, "person_map"])
def test_the_csv_says_what_the_parquet_says(omop, name) -> None:
    parquet = read(omop, name)
    csv = pl.read_csv(omop / f"{name}.csv", schema=parquet.schema)

    assert csv.equals(parquet)


@pytest.mark.parametrize("name", COLUMNS)
def test_numbers_are_unique_and_those_pointed_at_are_there(omop, name) -> None:
    table = read(omop, name)

    assert table[f"{name}_id"].is_unique().all()
    for other in COLUMNS:
        if f"{other}_id" in table.columns and other != name:
            there = read(omop, other)[f"{other}_id"]
            assert table[f"{other}_id"].drop_nulls().is_in(there.implode()).all()
    if "person_id" in table.columns:
        assert table["person_id"].is_in(read(omop, "person_map")["person_id"].implode()).all()


def test_a_feature_says_what_it_is_and_how_it_came_about(omop) -> None:
    features = read(omop, "waveform_feature")
    first = features.filter(algorithm_source_value="sbp|measured").row(0, named=True)
    made = "map_lower|synthetic|model-1|cuff|shipped"
    lower = features.filter(algorithm_source_value=made).row(0, named=True)

    assert (first["value_as_number"], first["unit_source_value"]) == (100.0, "mmHg")
    assert first["synthetic"] is False
    assert str(first["waveform_feature_start_timestamp"]) == "2130-01-01 22:59:00"
    assert str(first["waveform_feature_end_timestamp"]) == "2130-01-01 22:59:04"
    assert lower["value_as_number"] == 50.0
    assert lower["synthetic"] is True
    assert features.filter("synthetic")["algorithm_source_value"].str.contains("synthetic").all()


def test_records_of_one_subject_follow_each_other(omop) -> None:
    occurrences = read(omop, "waveform_occurrence")

    assert occurrences["waveform_occurrence_source_value"].to_list() == ["ward/a-1", "ward/a-2"]
    first = occurrences["waveform_occurrence_id"][0]
    assert occurrences["preceding_waveform_occurrence_id"].to_list() == [None, first]
    assert occurrences["num_of_files"].to_list() == [2, 1]


@pytest.fixture(scope="module")
def apart(make_lake, tmp_path_factory):
    """Measured and synthetic tables of a lake whose second subject alone has no line."""
    windows = [window("a-1", 0, 100.0), window("a-1", 1, None), window("b-1", 0, None)]
    lake = make_lake(
        tmp_path_factory.mktemp("apart") / "lake",
        windows=windows,
        backfill=[made("a-1", 1, 95.0), made("b-1", 0, 90.0)],
        records=[record("a-1"), record("b-1")],
    )
    folders = {source: tmp_path_factory.mktemp(source) / "omop" for source in SOURCES}
    for source, folder in folders.items():
        flag = pl.col("source") == "synthetic"
        write_omop(pressures(lake, source).with_columns(synthetic=flag).sort(ORDER), folder)
    return folders


def test_a_number_is_one_person_in_every_folder_and_export(apart, omop) -> None:
    people = [read(folder, "person_map").rows() for folder in (*apart.values(), omop)]
    a, b = ((hashed("ward", subject), "ward", subject) for subject in "ab")

    assert people == [[a], [a, b], [a]]


@pytest.mark.parametrize("name", COLUMNS)
def test_measured_and_synthetic_tables_have_no_number_in_common(apart, name) -> None:
    measured, synthetic = (set(read(folder, name)[f"{name}_id"]) for folder in apart.values())

    assert measured
    assert synthetic
    assert not measured & synthetic


def test_a_record_and_its_file_keep_their_numbers_when_others_come(apart, ward, tmp_path) -> None:
    flag = pl.col("source") == "synthetic"
    rows = pressures(ward, "measured").with_columns(synthetic=flag).sort(ORDER)
    write_omop(rows, tmp_path / "omop")

    for name in ("waveform_occurrence", "waveform_registry", "waveform_channel_metadata"):
        ids = [
            read(f, name)[f"{name}_id"].to_list() for f in (apart["measured"], tmp_path / "omop")
        ]
        assert ids[0] == ids[1]


def test_what_has_no_clock_or_no_pressure_is_left_out(omop) -> None:
    features = read(omop, "waveform_feature")

    assert read(omop, "person_map")["subject_id"].to_list() == ["a"]
    assert features.height == 20 * 3 + 11 * 9


def test_no_pressures_make_empty_tables(ward, tmp_path) -> None:
    none = pressures(ward, mix=True).with_columns(synthetic=pl.lit(value=True)).clear()
    write_omop(none, tmp_path / "omop")

    assert (
        read(tmp_path / "omop", "waveform_feature").columns == COLUMNS["waveform_feature"].split()
    )
    assert read(tmp_path / "omop", "waveform_feature").is_empty()
