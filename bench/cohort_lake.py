"""A lake of simulated scalars for a cohort to be exported from, written by the lake's own writer.

Signals are there, one constant a column: an export does not read them, and that is to be seen.
"""

from datetime import UTC, datetime
from typing import Final

import dataframely as dy
import numpy as np
import polars as pl

from ops.audit.halves import with_halves
from ops.lake import Lake
from ops.lake.commit import active_files
from ops.lake.compact import compact
from schemas.audit import Audit
from schemas.backfill import Backfill
from schemas.demographics import Demographic
from schemas.grid import WINDOW_S, WINDOW_SAMPLES
from schemas.records import Record
from schemas.restoration import PRESSURES
from schemas.tables import TABLES
from schemas.windows import Window

DATASET: Final = "ward"
WINDOWS_A_RECORD: Final = 2_500
AUDITED_EVERY: Final = 50
START: Final = datetime(2130, 1, 1, tzinfo=UTC).replace(tzinfo=None)
MADE_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)

_SIGNAL: Final = pl.lit(pl.Series([[7] * WINDOW_SAMPLES], dtype=pl.List(pl.Int16)))
_FRAME_ROWS: Final = 10_000


def build_cohort_lake(url: str, n_windows: int) -> Lake:
    """Make a lake: half of each record has a line, the other was filled; a subject a record."""
    lake = Lake(url)
    n_records = max(n_windows // WINDOWS_A_RECORD, 1)
    scalars = [_scalars(i, n_windows // n_records) for i in range(n_records)]
    for table, rows in (("windows", _windows), ("backfill", _backfill)):
        with lake.writer(table, {"dataset": DATASET}) as file:
            for frame in scalars:
                for part in rows(frame).collect().iter_slices(_FRAME_ROWS):
                    file.write(part)
        lake.commit(table, file.finished())
        compact(lake.location, table)
    records = pl.concat([frame.head(1) for frame in scalars])
    lake.put("records", [_of(Record, records.lazy(), **_RECORD).collect()])
    lake.put("demographics", [_of(Demographic, records.lazy(), **_PATIENT).collect()])
    lake.put("audit", [_audit(pl.concat(scalars))])
    return lake


def sizes_of(lake: Lake) -> dict[str, int]:
    """Give the bytes of each table's files."""
    there = {name: lake.open(name) for name in TABLES}
    return {
        name: int(active_files(delta)["size_bytes"].sum())
        for name, delta in there.items()
        if delta is not None
    }


def _scalars(i: int, n: int) -> pl.DataFrame:
    """Draw a record's pressures as they were, and what a model says of them."""
    draw = np.random.default_rng([i, 6])
    level, index = draw.normal(85, 12), np.arange(n, dtype=np.int32)
    mean = level + 8 * np.sin(index / 200) + draw.normal(0, 4, n)
    pulse = draw.normal(50, 4, n)
    off = draw.normal(0, 5) + draw.normal(0, 4, n)
    true = {"sbp": mean + 0.6 * pulse, "dbp": mean - 0.4 * pulse, "map": mean}
    return pl.DataFrame(
        {
            "dataset": [DATASET] * n,
            "record_id": [f"p{i:05d}/{i:05d}"] * n,
            "subject_id": [f"{i:05d}"] * n,
            "window_index": index,
            "start_s": WINDOW_S * index,
            "input_sha256": [f"{i:032x}{k:032x}" for k in range(n)],
            **{f"true_{p}": values.astype(np.float32) for p, values in true.items()},
            **{f"told_{p}": (values + off).astype(np.float32) for p, values in true.items()},
        }
    )


def _windows(scalars: pl.DataFrame) -> pl.LazyFrame:
    lined = pl.col("window_index") < scalars.height // 2
    signals = {f"{m}{part}": value for m in ("ecg", "ppg", "abp") for part, value in _WHOLE.items()}
    absent: dict[str, pl.Expr] = {
        f"abp{part}": pl.when(lined).then(v) for part, v in _WHOLE.items()
    }
    absent |= {
        "abp_grade": pl.when(lined).then(pl.lit("good")).otherwise(pl.lit("absent")),
        "abp_missing": pl.when(lined).then(0.0).otherwise(1.0),
        "abp_sqi": pl.when(lined).then(1.0).otherwise(0.0),
    }
    clock = pl.lit(START) + pl.duration(seconds="start_s")
    told = {p: pl.when(lined).then(f"true_{p}") for p in PRESSURES}
    return _of(Window, scalars.lazy(), **signals | absent, start_time=clock, **told)


def _backfill(scalars: pl.DataFrame) -> pl.LazyFrame:
    rest = scalars.lazy().filter(pl.col("window_index") >= scalars.height // 2)
    return _of(Backfill, rest, **_MADE, **_told(), **_REFERENCE)


def _audit(scalars: pl.DataFrame) -> pl.DataFrame:
    lined = scalars.filter(
        pl.col("window_index") < WINDOWS_A_RECORD // 2,
        pl.col("window_index") % AUDITED_EVERY == 0,
    )
    readings = {f"reference_{p}": pl.col(f"true_{p}") for p in PRESSURES}
    rows = with_halves(lined).lazy()
    return _of(Audit, rows, **_told(), **_REFERENCE, **readings).collect()


def _told() -> dict[str, pl.Expr]:
    ends = {"": 0.0, "_lower": -10.0, "_upper": 10.0}
    return {f"{p}{e}": pl.col(f"told_{p}") + by for p in PRESSURES for e, by in ends.items()}


def _of(schema: type[dy.Schema], rows: pl.LazyFrame, **columns: object) -> pl.LazyFrame:
    """Make rows of a schema: what is given, else what is there, else the same for all, or null."""
    there = rows.collect_schema()
    given = {**_COMMON, **{name: pl.col(name) for name in there}, **columns}
    made = {name: _expr(value) for name, value in given.items()}
    dtypes = schema.create_empty().schema
    return rows.select(
        made.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in dtypes.items()
    )


def _expr(value: object) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)


_WHOLE: Final = {
    "": _SIGNAL,
    "_scale": pl.lit(0.5),
    "_zero": pl.lit(60.0),
    "_unit": pl.lit("mmHg"),
    "_lead": pl.lit("X"),
    "_missing": pl.lit(0.0),
    "_grade": pl.lit("good"),
    "_sqi": pl.lit(1.0),
}
_MADE: Final = {
    "samples": _SIGNAL,
    "lower": _SIGNAL,
    "upper": _SIGNAL,
    "scale": 0.5,
    "zero": 60.0,
    "unit": "mmHg",
}
_REFERENCE: Final = {
    "calibration": "cuff",
    "reference_age_s": pl.col("start_s") % 900,
    "reference_sha256": "0" * 64,
}
_COMMON: Final = {
    "grader_version": "1",
    "run_id": "bench",
    "model_id": "model-1",
    "modality": "abp",
    "task": "translate",
    "grade": "good",
    "conditions": pl.lit(pl.Series([["ecg", "ppg"]])),
    "n_samples": 1,
    "model_sha256": "0" * 64,
    "sampler": "plain",
    "steps": 0,
    "seed": 0,
    "spec_sha256": "1" * 64,
    "synthetic": True,
    "created_at": pl.lit(MADE_AT),
    "audited_at": pl.lit(MADE_AT),
}
_RECORD: Final = {
    "path": pl.col("record_id"),
    "etag": "1",
    "size_bytes": 1,
    "status": "complete",
    "fs": 125.0,
    "duration_s": WINDOW_S * WINDOWS_A_RECORD,
    "start_time": pl.lit(START),
    "n_segments": 1,
    "n_windows": WINDOWS_A_RECORD,
    "signals": pl.lit(pl.Series([[]], dtype=Record.create_empty().schema["signals"])),
    "files": pl.lit(pl.Series([[]], dtype=pl.List(pl.String))),
    "fingerprint": "1",
    "reader_version": "1",
    "ingested_at": pl.lit(MADE_AT),
}
_PATIENT: Final = {"care_unit": "micu", "sex": "F", "age_years": 60.0}
