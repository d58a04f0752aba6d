from datetime import UTC, datetime

import polars as pl
import pytest

from schemas.backfill import Backfill
from schemas.grid import WINDOW_SAMPLES
from schemas.numerics import Numeric
from schemas.windows import Window

COUNTS = list(range(WINDOW_SAMPLES))


@pytest.fixture
def window() -> pl.DataFrame:
    """One window with a good ECG and a good ABP, and no PPG."""
    row = dict.fromkeys(Window.column_names()) | {
        "dataset": "ward",
        "record_id": "a",
        "window_index": 3,
        "subject_id": "a",
        "start_s": 12.0,
        "ppg_missing": 1.0,
        "ppg_grade": "absent",
        "ppg_sqi": 0.0,
        "sbp": 120.0,
        "dbp": 80.0,
        "map": 93.0,
        "grader_version": "1",
        "input_sha256": "0",
        "run_id": "run",
    }
    for m, unit, lead in (("ecg", "mV", "II"), ("abp", "mmHg", "ABP")):
        row |= {m: COUNTS, f"{m}_scale": 0.5, f"{m}_zero": 60.0, f"{m}_unit": unit}
        row |= {f"{m}_lead": lead, f"{m}_missing": 0.0, f"{m}_grade": "good", f"{m}_sqi": 0.9}
    return pl.DataFrame([row], schema=Window.create_empty().schema)


@pytest.fixture
def filled() -> pl.DataFrame:
    """One synthetic ABP with its band, its pressures and their intervals."""
    row = dict.fromkeys(Backfill.column_names()) | {
        "dataset": "ward",
        "record_id": "a",
        "window_index": 3,
        "modality": "abp",
        "task": "translate",
        "model_id": "classical-1",
        "subject_id": "a",
        "start_s": 12.0,
        "samples": COUNTS,
        "lower": COUNTS,
        "upper": COUNTS,
        "scale": 0.05,
        "zero": 90.0,
        "unit": "mmHg",
        "grade": "fair",
        "conditions": ["ecg"],
        "calibration": "none",
        "n_samples": 1,
        "model_sha256": "0",
        "sampler": "none",
        "steps": 0,
        "seed": 1,
        "input_sha256": "0",
        "spec_sha256": "0",
        "synthetic": True,
        "run_id": "run",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    for pressure, value in (("sbp", 120.0), ("dbp", 80.0), ("map", 93.0)):
        row |= {pressure: value, f"{pressure}_lower": value - 20, f"{pressure}_upper": value + 20}
    return pl.DataFrame([row], schema=Backfill.create_empty().schema)


@pytest.fixture
def numeric() -> pl.DataFrame:
    """One heart rate."""
    row = {
        "dataset": "ward",
        "record_id": "a",
        "name": "HR",
        "start_s": 60.0,
        "subject_id": "a",
        "quantity": "heart_rate",
        "value": 72.0,
        "unit": "bpm",
        "run_id": "run",
    }
    return pl.DataFrame([row], schema=Numeric.create_empty().schema)
