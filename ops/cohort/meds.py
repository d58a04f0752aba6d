"""Pressures as events of the Medical Event Data Standard, version 0.4.

A code says what, by which source, which bound and in which unit: ``SBP//measured//mmHg``,
``MAP//synthetic//lower//mmHg``. Only measured codes have a parent (LOINC), so that nothing rolls a
synthetic pressure up into a measured one. A window on which a model abstained is an event without a
value, ``BP//synthetic//abstained//reference_age``.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from ops.cohort.pressures import ENDS
from ops.cohort.scalars import CLOCKED, SUBJECT, hashed_subjects, scalars
from ops.cohort.written import write_csv, write_typed
from schemas.restoration import ABSTENTIONS, PRESSURES

MEDS_VERSION: Final = "0.4.1"

LOINC: Final = {"sbp": "LOINC/8480-6", "dbp": "LOINC/8462-4", "map": "LOINC/8478-0"}

EVENTS: Final = pa.schema(
    {
        "subject_id": pa.int64(),
        "time": pa.timestamp("us"),
        "code": pa.string(),
        "numeric_value": pa.float32(),
        "synthetic": pa.bool_(),
    }
)
CODES: Final = pa.schema(
    {
        "code": pa.string(),
        "description": pa.string(),
        "parent_codes": pa.list_(pa.string()),
    }
)

_CODES: Final = pl.Schema(
    {"code": pl.String(), "description": pl.String(), "parent_codes": pl.List(pl.String())}
)
_WORDS: Final = {
    "sbp": "Systolic arterial pressure",
    "dbp": "Diastolic arterial pressure",
    "map": "Mean arterial pressure",
}
_BOUNDS: Final = {
    "": "",
    "_lower": ", lower bound of its 90 % interval",
    "_upper": ", upper bound of its 90 % interval",
}
_MADE: Final = {
    "measured": "measured by an arterial line",
    "synthetic": "synthetic: made by a model, never measured",
}


def write_meds(series: pl.LazyFrame, folder: Path, *, version: str) -> None:
    """Write a MEDS data set of one shard, and the subjects behind its numbers.

    ``series`` is in the order of its windows. What has no clock is left out. ``version`` is that
    of pulselake.
    """
    clocked = series.filter(CLOCKED)
    subjects = hashed_subjects(clocked)
    # A subject's events lie together and in the order of time; those of a window in that of codes.
    rows = clocked.join(subjects.lazy(), on=SUBJECT).sort("number", "start_time", "record_id")
    write_typed(_events(rows), folder / "data" / "0.parquet", EVENTS)
    write_typed(_codes().lazy(), folder / "metadata" / "codes.parquet", CODES)
    write_csv(subjects.rename({"number": "meds_subject_id"}).lazy(), folder / "subject_map.csv")
    about = {
        "dataset_name": "pulselake cohort",
        "etl_name": "pulselake cohort",
        "etl_version": version,
        "meds_version": MEDS_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "other_extension_columns": ["synthetic"],
    }
    (folder / "metadata" / "dataset.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _events(rows: pl.LazyFrame) -> pl.LazyFrame:
    codes = {f"{p}{end}|{s}": _spelt(p, end, s) for p in PRESSURES for end in ENDS for s in _MADE}
    codes |= {f"{why}|synthetic": _silent(why) for why in ABSTENTIONS}
    named = pl.concat_str("name", "source", separator="|")
    return scalars(rows, silent=True).select(
        pl.col("number").alias("subject_id"),
        pl.col("start_time").alias("time"),
        named.replace_strict(codes).alias("code"),
        pl.col("value").alias("numeric_value"),
        "synthetic",
    )


def _spelt(pressure: str, end: str, source: str) -> str:
    parts = [pressure.upper(), source, *([end[1:]] if end else []), "mmHg"]
    return "//".join(parts)


def _silent(why: str) -> str:
    return f"BP//synthetic//abstained//{why}"


def _codes() -> pl.DataFrame:
    rows: list[tuple[str, str, list[str]]] = [
        (
            _spelt(p, end, source),
            f"{_WORDS[p]}{_BOUNDS[end]}, in mmHg; {made}",
            [LOINC[p]] if source == "measured" and not end else [],
        )
        for source, made in _MADE.items()
        for p in PRESSURES
        for end in (ENDS if source == "synthetic" else ("",))
    ]
    rows += [(_silent(why), f"A model made no pressure here: {why}", []) for why in ABSTENTIONS]
    return pl.DataFrame(rows, _CODES, orient="row").sort("code")
