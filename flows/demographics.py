"""What is known of the records' patients, put beside the records."""

from typing import Final

import polars as pl

from flows.config import IngestConfig
from flows.naming import Naming
from flows.summary import RunSummary
from models.reading import read_bytes
from ops.demographics import SUBJECTS, demographics
from ops.lake import Lake
from ops.subjects_table import MOST_BYTES, by_every_name, naming_nobody, read_subjects
from schemas.demographics import Demographic

_RECORD: Final = ["dataset", "record_id"]


def site_subjects(config: IngestConfig) -> pl.DataFrame:
    """Read the site's table of its subjects, by the names that they have in the lake.

    Raises:
        OSError: where it can't be read.
        ValueError: where it is no such table.
    """
    if config.subjects is None:
        return pl.DataFrame(schema=SUBJECTS)
    told = read_subjects(read_bytes(config.subjects, MOST_BYTES), config.subjects)
    subjects = by_every_name(told)
    naming = Naming(config.deidentifier())
    return naming_nobody(subjects, naming.subject) if config.deidentify else subjects


def put_demographics(config: IngestConfig, subjects: pl.DataFrame, summary: RunSummary) -> None:
    """Commit what has changed of the patients of a dataset's records; take out what is gone."""
    lake = Lake(config.lake)
    records = lake.scan("records", config.dataset).select(*_RECORD, "subject_id", "comments")
    wanted = demographics(records.collect(), subjects)
    before = lake.scan("demographics", config.dataset).drop("run_id").collect()
    changed = wanted.join(before, on=wanted.columns, how="anti", nulls_equal=True)
    gone = before.join(wanted, on=_RECORD, how="anti")
    keys = pl.concat([changed.select(_RECORD), gone.select(_RECORD)])
    if keys.is_empty():
        return
    rows = Demographic.cast(changed.with_columns(run_id=pl.lit(summary.run_id)))
    taken = lake.put("demographics", [rows] if rows.height else [], replacing=keys)
    summary.rows_changed += taken + rows.height
