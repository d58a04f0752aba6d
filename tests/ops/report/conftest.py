"""An audited ward, windows and rows of synthetic signals that say only what a test is about."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from ops.audit.halves import half_of
from schemas.annotations import StoredAnnotation
from schemas.annotator import SLOTS
from schemas.audit import Audit
from schemas.backfill import Backfill
from schemas.restoration import PRESSURES
from schemas.windows import Window

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
MAKER = {"model_id": "m-1", "model_sha256": "0", "input_sha256": "0", "spec_sha256": "0"}
USUAL = {"dataset": "icu", "run_id": "r", "conditions": ["ecg", "ppg"]} | MAKER


def _audited(subject: str, index: int, calibration: str, truth: float, error: float) -> Any:
    row: dict[str, Any] = USUAL | {
        "record_id": subject,
        "subject_id": subject,
        "window_index": index,
        "start_s": 4.0 * index,
        "half": half_of("icu", subject),
        "calibration": calibration,
        "reference_age_s": None if calibration == "none" else 600.0,
        "audited_at": NOON,
    }
    for p, above in zip(PRESSURES, (35.0, -15.0, 0.0), strict=True):
        true = truth + above
        row |= {f"true_{p}": true, p: true + error, f"reference_{p}": None}
        row |= {f"{p}_lower": true + error - 14, f"{p}_upper": true + error + 14}
        if calibration != "none":
            row[f"reference_{p}"] = true - 6
    return row


@pytest.fixture(scope="session")
def ward_audit() -> pl.DataFrame:
    """Audited windows of 40 subjects, 12 of each, by a cuff, a line or no reading."""
    random = np.random.default_rng(1)
    rows = []
    for i in range(40):
        level, own = random.normal(88, 14), random.normal(1, 5)
        for index in range(12):
            truth, error = level + random.normal(0, 6), own + random.normal(0, 5)
            calibration = ("cuff", "line", "none")[i % 3]
            rows.append(_audited(f"s{i:02}", index, calibration, truth, error))
    columns = {name: [row.get(name) for row in rows] for name in Audit.column_names()}
    return Audit.validate(pl.DataFrame(columns, strict=False), cast=True)


def _frame(schema: type, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in schema.column_names()}
    return schema.validate(pl.DataFrame(columns, strict=False), cast=True)


@pytest.fixture(scope="session")
def made() -> Callable[..., pl.DataFrame]:
    """Make valid rows of ``backfill`` of what is said of each; ``abstained`` ones hold nothing."""
    usual = USUAL | {
        "record_id": "a",
        "subject_id": "a",
        "window_index": 0,
        "start_s": 0.0,
        "modality": "abp",
        "task": "translate",
        "calibration": "none",
        "n_samples": 8,
        "sampler": "s",
        "steps": 1,
        "seed": 0,
        "synthetic": True,
        "created_at": NOON,
    }
    signal = {"scale": 0.1, "zero": 80.0, "unit": "mmHg", "grade": "fair"}
    counts = {"samples": [0] * 500, "lower": [-100] * 500, "upper": [100] * 500}

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        whole = []
        for said in rows:
            silent = said.get("abstained") is not None
            row = usual | ({"grade": "absent"} if silent else signal | counts) | said
            whole.append(row | {"start_s": 4.0 * row["window_index"]})
        return _frame(Backfill, whole)

    return make


@pytest.fixture(scope="session")
def said() -> Callable[..., pl.DataFrame]:
    """Make valid rows of ``annotations`` of what is said of each; the rest is unknown."""
    usual = USUAL | {
        "record_id": "a",
        "subject_id": "a",
        "window_index": 0,
        "annotation": "{}",
        "pressure_source": "none",
        "steps": 0,
        "created_at": NOON,
    }
    slots = {slot: "unknown" for slot in (*SLOTS, "evidence_signal") if slot not in usual}
    unsaid = {k: v for k, v in slots.items() if k not in ("heart_rate", "evidence")}
    sure = {f"{slot}_confidence": 0.5 for slot in SLOTS}

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        whole = [usual | unsaid | sure | row for row in rows]
        placed = [row | {"start_s": 4.0 * row["window_index"]} for row in whole]
        return _frame(StoredAnnotation, placed)

    return make


@pytest.fixture(scope="session")
def windows() -> Callable[..., pl.DataFrame]:
    """Make valid rows of ``windows`` of what is said of each; a signal that is not is absent."""
    usual = {
        "dataset": "icu",
        "record_id": "a",
        "subject_id": "a",
        "window_index": 0,
        "grader_version": "1",
        "input_sha256": "0",
        "run_id": "r",
    }
    units = {"ecg": "mV", "ppg": "NU", "abp": "mmHg"}

    def one(said: dict[str, Any]) -> dict[str, Any]:
        row = usual | {"start_s": 4.0 * said.get("window_index", 0)}
        for m, unit in units.items():
            grade = said.get(f"{m}_grade", "good" if m in said else "absent")
            row |= {f"{m}_missing": 0.0, f"{m}_sqi": 1.0, f"{m}_grade": grade}
            if grade != "absent":
                row |= {m: [0] * 500, f"{m}_scale": 0.1, f"{m}_zero": 80.0}
                row |= {f"{m}_unit": unit, f"{m}_lead": m}
        return row | said

    return lambda *rows: _frame(Window, [one(said) for said in rows])
