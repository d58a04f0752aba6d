"""Pressures in the tables of the OMOP waveform extension.

The tables and columns are those of the OHDSI Waveform Working Group's table specifications
(ohdsi.github.io/WaveformWG, as of 2026). Where they leave room:

- concepts are 0, but for the unit mm[Hg] (8876); visits are 0, as a lake knows none: a site joins
  its own by ``person_id`` and time, and the subject behind a ``person_id`` is in ``person_map``;
- a feature has no column for what it is, so ``algorithm_source_value`` begins with that:
  ``sbp|measured``, ``map_lower|synthetic|tricardio-1|cuff|site`` (pressure or bound, source, model,
  calibration, correction);
- start and end of a feature are full timestamps, since a time of the day alone leaves the day open
  in a stay of several;
- ``synthetic`` is a column beside those of the specification; nothing is put into ``measurement``.

A person's number is of the subject's names alone, that of an acquisition, file or channel of the
record's and the source: the same in every export, and measured and synthetic ones never clash.
Features are counted in one export, synthetic ones from ``SYNTHETIC_FROM``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from ops.cohort.scalars import CLOCKED, SUBJECT, hashed_subjects, scalars, with_hashes
from ops.cohort.written import write_both
from schemas.grid import GRID_FS, WINDOW_S

NO_CONCEPT: Final = 0
MMHG_CONCEPT: Final = 8876
UNKNOWN_VISIT: Final = 0
SYNTHETIC_FROM: Final = 10**12
"""More than there are measured features in any export."""

RECORD: Final = ["dataset", "record_id"]
_TABLES_BY_SOURCE: Final = {"measured": "windows", "synthetic": "backfill"}
_FILE: Final = [*RECORD, "source"]
_WINDOW: Final = pl.duration(seconds=WINDOW_S)
_ID: Final = pl.Int64
_CHANNEL_ID: Final = "waveform_channel_metadata_id"
_SYNTHETIC: Final = pl.col("source") == "synthetic"


def write_omop(series: pl.LazyFrame, folder: Path) -> None:
    """Write the four tables and ``person_map`` into a folder, as Parquet and CSV.

    ``series`` is in the order of its windows. What has no clock or no pressure is left out.
    """
    folder.mkdir()
    rows = series.filter(CLOCKED, pl.col("sbp").is_not_null())
    people = hashed_subjects(rows).select(pl.col("number").alias("person_id"), *SUBJECT)
    occurrences = _occurrences(rows, people)
    files = _files(rows, occurrences)
    for name, table in (
        ("person_map", people),
        ("waveform_occurrence", _occurrence_table(occurrences, files)),
        ("waveform_registry", _registry_table(files)),
        ("waveform_channel_metadata", _channel_table(files)),
        ("waveform_feature", _feature_table(rows, files)),
    ):
        write_both(table.lazy(), folder / name)


def _occurrences(rows: pl.LazyFrame, people: pl.DataFrame) -> pl.DataFrame:
    """A record is an acquisition, as far as its windows are exported: one source's, or both's."""
    sources = pl.col("source").unique().sort().str.join("|")
    spans = rows.group_by(*RECORD, "subject_id").agg(*_span(), sources.alias("sources")).collect()
    ordered = spans.join(people, on=SUBJECT).sort(*SUBJECT, "start", "record_id")
    names = [*RECORD, "sources"]
    numbered = with_hashes(ordered, names, "waveform_occurrence_id", of="records")
    before = pl.col("waveform_occurrence_id").shift(1).over("person_id", order_by="start")
    return numbered.with_columns(before.alias("preceding_waveform_occurrence_id"))


def _files(rows: pl.LazyFrame, occurrences: pl.DataFrame) -> pl.DataFrame:
    """Measured and synthetic waveforms of a record lie in tables of their own: two files."""
    of_record = occurrences.select(*RECORD, "waveform_occurrence_id", "person_id")
    spans = rows.group_by(_FILE).agg(*_span()).sort("source").collect()
    ordered = of_record.join(spans, on=RECORD, maintain_order="left_right")
    return with_hashes(ordered, _FILE, "waveform_registry_id", of="files")


def _span() -> Iterator[pl.Expr]:
    yield pl.col("start_time").min().alias("start")
    yield (pl.col("start_time").max() + _WINDOW).alias("end")


def _occurrence_table(occurrences: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    count = files.group_by("waveform_occurrence_id").agg(pl.len().cast(_ID).alias("num_of_files"))
    counted = occurrences.join(count, on="waveform_occurrence_id", maintain_order="left")
    return counted.select(
        "waveform_occurrence_id",
        _const("waveform_occurrence_concept_id", NO_CONCEPT),
        "person_id",
        pl.col("start").alias("waveform_occurrence_start_datetime"),
        pl.col("end").alias("waveform_occurrence_end_datetime"),
        _const("visit_occurrence_id", UNKNOWN_VISIT),
        _null("visit_detail_id"),
        "preceding_waveform_occurrence_id",
        _const("waveform_format_concept_id", NO_CONCEPT),
        pl.concat_str(RECORD, separator="/").alias("waveform_occurrence_source_value"),
        "num_of_files",
        pl.lit("Delta Lake").alias("waveform_format_source_value"),
    )


def _registry_table(files: pl.DataFrame) -> pl.DataFrame:
    table = pl.col("source").replace_strict(_TABLES_BY_SOURCE)
    uri = pl.format("{}/dataset={}#{}", table, pl.col("dataset"), pl.col("record_id"))
    return files.select(
        "waveform_registry_id",
        "waveform_occurrence_id",
        _null("waveform_feature_id"),
        "person_id",
        pl.col("start").alias("waveform_file_start_datetime"),
        pl.col("end").alias("waveform_file_end_datetime"),
        _const("visit_occurrence_id", UNKNOWN_VISIT),
        _null("visit_detail_id"),
        _const("file_extension_concept_id", NO_CONCEPT),
        pl.lit(".parquet").alias("file_extension_source_value"),
        pl.col("record_id").alias("waveform_source_file_uri"),
        uri.alias("waveform_target_file_uri"),
    )


def _channel_table(files: pl.DataFrame) -> pl.DataFrame:
    """Two entries a file: its rate, which has the file's number, and whether it was made."""
    channel = pl.when(_SYNTHETIC).then(pl.lit("abp (synthetic)")).otherwise(pl.lit("abp"))
    named = files.with_columns(channel.alias("waveform_channel_source_value"))
    rate = named.with_columns(
        **{_CHANNEL_ID: pl.col("waveform_registry_id")},
        metadata_source_value=pl.lit("sampling_rate"),
        value_as_number=pl.lit(float(GRID_FS)),
        value_as_string=pl.lit(None, pl.String),
        unit_source_value=pl.lit("Hz"),
    )
    source = named.with_columns(
        metadata_source_value=pl.lit("source"),
        value_as_number=pl.lit(None, pl.Float64),
        value_as_string=pl.col("source"),
        unit_source_value=pl.lit(None, pl.String),
    )
    keyed = with_hashes(source, [*_FILE, "metadata_source_value"], _CHANNEL_ID, of="files")
    return pl.concat([rate, keyed.select(rate.columns)]).select(
        _CHANNEL_ID,
        "waveform_registry_id",
        _null("procedure_occurrence_id"),
        _null("device_exposure_id"),
        "waveform_channel_source_value",
        _const("channel_concept_id", NO_CONCEPT),
        "metadata_source_value",
        _const("metadata_concept_id", NO_CONCEPT),
        "value_as_number",
        _null("value_as_concept_id"),
        "value_as_string",
        _const("unit_concept_id", NO_CONCEPT),
        "unit_source_value",
    )


def _feature_table(rows: pl.LazyFrame, files: pl.DataFrame) -> pl.LazyFrame:
    ids = files.select(*_FILE, "waveform_registry_id", "waveform_occurrence_id").lazy()
    joined = rows.join(ids, on=_FILE, maintain_order="left").with_columns(how=_how())
    features = scalars(joined).with_row_index("waveform_feature_id", offset=1)
    apart = pl.when("synthetic").then(pl.lit(SYNTHETIC_FROM, _ID)).otherwise(pl.lit(0, _ID))
    return features.select(
        pl.col("waveform_feature_id").cast(_ID) + apart,
        "waveform_occurrence_id",
        "waveform_registry_id",
        pl.col("waveform_registry_id").alias(_CHANNEL_ID),
        _null("measurement_id"),
        _null("observation_id"),
        _const("algorithm_concept_id", NO_CONCEPT),
        pl.concat_str("name", "how", separator="|").alias("algorithm_source_value"),
        _null("anatomic_site_concept_id"),
        pl.col("start_time").alias("waveform_feature_start_timestamp"),
        (pl.col("start_time") + _WINDOW).alias("waveform_feature_end_timestamp"),
        pl.lit(value=False).alias("is_feature_overflow"),
        pl.col("value").cast(pl.Float64).alias("value_as_number"),
        _null("value_as_concept_id"),
        pl.lit(None, pl.String).alias("value_as_string"),
        pl.lit(value=False).alias("value_is_a_registry_file"),
        _const("unit_concept_id", MMHG_CONCEPT),
        pl.lit("mmHg").alias("unit_source_value"),
        "synthetic",
    )


def _how() -> pl.Expr:
    """Say by what a pressure came about, after its name."""
    calibration = pl.col("calibration").fill_null("restored")
    made = pl.concat_str("source", "model_id", calibration, "correction", separator="|")
    return pl.when(_SYNTHETIC).then(made).otherwise("source")


def _const(name: str, value: int) -> pl.Expr:
    return pl.lit(value, _ID).alias(name)


def _null(name: str) -> pl.Expr:
    return pl.lit(None, _ID).alias(name)
