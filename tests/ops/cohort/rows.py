"""Rows of a lake for the tests of exports, with what no test asks about filled in."""

from datetime import UTC, datetime, timedelta

import dataframely as dy
import polars as pl

from ops.audit.halves import half_of
from schemas.audit import HALVES, Audit

START = datetime(2130, 1, 1, 22, 59, 0)  # noqa: DTZ001
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def frame_of(schema: type[dy.Schema], rows: list[dict]) -> pl.DataFrame:
    """Make rows of a schema, null in the columns that are not given."""
    dtypes = schema.create_empty().schema
    return pl.DataFrame(
        [{name: row.get(name) for name in dtypes} for row in rows], schema=dtypes, orient="row"
    )


def window(record: str, index: int, sbp: float | None, *, clock: bool = True, **other) -> dict:
    """A window of 125 Hz with ABP where ``sbp`` is told, with PPG in any case."""
    absent = {f"{m}_{k}": v for m in ("ecg", "ppg", "abp") for k, v in _ABSENT.items()}
    lines = ["ppg"] if sbp is None else ["ppg", "abp"]
    there = {f"{m}{k}": v for m in lines for k, v in _THERE.items()}
    pressures = {} if sbp is None else {"sbp": sbp, "dbp": sbp - 50, "map": sbp - 35}
    return {
        "dataset": "ward",
        "record_id": record,
        "window_index": index,
        "subject_id": record.partition("-")[0],
        "start_s": 4.0 * index,
        "start_time": START + timedelta(seconds=4 * index) if clock else None,
        **absent,
        **there,
        **pressures,
        "grader_version": "1",
        "input_sha256": f"{record}{index}",
        "run_id": "run",
        **other,
    }


_ABSENT = {"missing": 1.0, "grade": "absent", "sqi": 0.0}
_THERE = {
    "": [1] * 500,
    "_scale": 0.5,
    "_zero": 60.0,
    "_unit": "mmHg",
    "_lead": "X",
    "_missing": 0.0,
    "_grade": "good",
    "_sqi": 1.0,
}


def made(record: str, index: int, sbp: float | None, **other) -> dict:
    """What a model made of a window: its pressures, 10 mmHg either side; abstained without."""
    signal = {"samples": [1] * 500, "lower": [1] * 500, "upper": [1] * 500}
    scale = {"scale": 0.5, "zero": 60.0, "unit": "mmHg", "grade": "good"}
    silent = {"grade": "absent", "abstained": "reference_age"}
    return {
        "dataset": "ward",
        "record_id": record,
        "window_index": index,
        "modality": "abp",
        "task": "translate",
        "model_id": "model-1",
        "subject_id": record.partition("-")[0],
        "start_s": 4.0 * index,
        "conditions": ["ppg"],
        "calibration": "cuff",
        "reference_age_s": 60.0,
        **(silent if sbp is None else {**signal, **scale, **told(sbp)}),
        "n_samples": 1,
        "model_sha256": "ab" * 32,
        "sampler": "plain",
        "steps": 0,
        "seed": 0,
        "input_sha256": f"{record}{index}",
        "spec_sha256": "spec",
        "synthetic": True,
        "run_id": "run",
        "created_at": MADE_AT,
        **other,
    }


def told(sbp: float) -> dict[str, float]:
    """Pressures with bounds 10 mmHg away."""
    values = {"sbp": sbp, "dbp": sbp - 50, "map": sbp - 35}
    ends = {"": 0, "_lower": -10, "_upper": 10}
    return {f"{p}{end}": value + by for p, value in values.items() for end, by in ends.items()}


def of_halves(n: int) -> list[tuple[str, str]]:
    """Name so many subjects of either half, each with its half, as the audit halves them."""
    names = [f"s{i}" for i in range(20 * n)]
    halves = {half: [s for s in names if half_of("ward", s) == half] for half in HALVES}
    return [(subject, half) for half in HALVES for subject in halves[half][:n]]


def audited_row(record: str, index: int, sbp: float, true: float, half: str, **other) -> dict:
    """What a model said of a window that has a line."""
    shared = made(record, index, sbp)
    names = Audit.column_names()
    return {
        **{name: value for name, value in shared.items() if name in names},
        "half": half,
        "reference_sbp": 120.0,
        "reference_dbp": 70.0,
        "reference_map": 85.0,
        "true_sbp": true,
        "true_dbp": true - 50,
        "true_map": true - 35,
        "audited_at": MADE_AT,
        **other,
    }


def record(record_id: str, *, clock: bool = True) -> dict:
    """A record that is in."""
    return {
        "dataset": "ward",
        "record_id": record_id,
        "subject_id": record_id.partition("-")[0],
        "path": record_id,
        "etag": "1",
        "size_bytes": 1,
        "status": "complete",
        "fs": 125.0,
        "duration_s": 60.0,
        "start_time": START if clock else None,
        "n_segments": 1,
        "n_windows": 1,
        "signals": [],
        "files": [],
        "fingerprint": "1",
        "reader_version": "1",
        "grader_version": "1",
        "run_id": "run",
        "ingested_at": MADE_AT,
    }
