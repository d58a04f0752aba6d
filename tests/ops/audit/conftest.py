"""Rows of an audit that say only what a test is about."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from ops.audit.halves import half_of
from schemas.audit import Audit
from schemas.restoration import PRESSURES

Make = Callable[..., pl.DataFrame]

USUAL: dict[str, Any] = {
    "dataset": "icu",
    "model_id": "m-1",
    "run_id": "r",
    "start_s": 0.0,
    "conditions": ["ecg", "ppg"],
    "calibration": "none",
    "model_sha256": "0",
    "input_sha256": "0",
    "spec_sha256": "0",
    "audited_at": dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
}


def _row(index: int, said: dict[str, Any]) -> dict[str, Any]:
    """True pressures are ``true`` whichever, told ones lie ``error`` above, ``half`` around."""
    true, error, half = said.pop("true", 80.0), said.pop("error", 0.0), said.pop("reach", 10.0)
    silent, held = said.get("abstained"), said.pop("held", None)
    row = USUAL | {"window_index": index, "subject_id": "a"}
    for p in PRESSURES:
        told = None if silent else true + error
        bounds = (None, None) if silent else (told - half, told + half)
        row |= {f"true_{p}": true, p: told, f"{p}_lower": bounds[0], f"{p}_upper": bounds[1]}
        row |= {f"reference_{p}": held}
    row |= {"reference_age_s": None if held is None else 60.0} | said
    row["half"] = said.get("half", half_of(row["dataset"], row["subject_id"]))
    return row | {"record_id": row["subject_id"]}


@pytest.fixture(scope="session")
def audited() -> Make:
    """Make valid rows out of what is said of each: pressures by ``true``, ``error``, ``reach``."""

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        whole = [_row(i, dict(row)) for i, row in enumerate(rows)]
        columns = {name: [row.get(name) for row in whole] for name in Audit.column_names()}
        return Audit.validate(pl.DataFrame(columns, strict=False), cast=True)

    return make
