"""Numerics and windows that are made up, for readings."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from schemas.numerics import Numeric
from schemas.windows import Window

QUANTITIES = {
    "NBPs": "nbp_systolic",
    "NBPd": "nbp_diastolic",
    "NBPm": "nbp_mean",
    "HR": "heart_rate",
}


@pytest.fixture
def make_numerics() -> Callable[..., pl.LazyFrame]:
    """Make numerics of one record by ``(start_s, sbp, dbp, map)``, after a first heart rate."""

    def make(
        *cuffs: Sequence[float | None],
        first_s: float = 0.0,
        unit: str = "mmHg",
        record_id: str = "a",
    ) -> pl.LazyFrame:
        shown = [("HR", first_s, 70.0, "bpm")]
        for start_s, *values in cuffs:
            shown += [
                (name, start_s, value, unit)
                for name, value in zip(("NBPs", "NBPd", "NBPm"), values, strict=True)
            ]
        rows = [
            {
                "dataset": "ward",
                "record_id": record_id,
                "name": name,
                "start_s": start_s,
                "subject_id": "subject",
                "quantity": QUANTITIES[name],
                "value": value,
                "unit": unit,
                "run_id": "run",
            }
            for name, start_s, value, unit in shown
        ]
        return pl.LazyFrame(rows, schema=Numeric.create_empty().schema)

    return make


@pytest.fixture
def make_line() -> Callable[..., pl.LazyFrame]:
    """Make scalars of windows of one record by what differs from a good line of 120/70."""

    def make(*told: dict[str, object]) -> pl.LazyFrame:
        usual = dict.fromkeys(Window.column_names()) | {
            "dataset": "ward",
            "record_id": "a",
            "subject_id": "subject",
            "ecg_grade": "good",
            "ppg_grade": "good",
            "abp_grade": "good",
            "abp_unit": "mmHg",
            "sbp": 120.0,
            "dbp": 70.0,
            "map": 87.0,
        }
        rows = [
            usual | {"window_index": i, "start_s": 4.0 * i, "input_sha256": f"input {i}"} | one
            for i, one in enumerate(told)
        ]
        return pl.LazyFrame(rows, schema=Window.create_empty().schema)

    return make
