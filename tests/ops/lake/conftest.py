import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ops.lake import Lake
from schemas.numerics import Numeric
from schemas.windows import Window


@pytest.fixture(scope="session")
def window_rows() -> pl.DataFrame:
    """Three windows with ABP alone."""
    n = 3
    absent = {
        f"{m}_{part}": [value] * n
        for m in ("ecg", "ppg")
        for part, value in (("missing", 1.0), ("grade", "absent"), ("sqi", 0.0))
    }
    columns = {
        "dataset": ["ward"] * n,
        "record_id": ["a"] * n,
        "window_index": list(range(n)),
        "subject_id": ["a"] * n,
        "start_s": [4.0 * i for i in range(n)],
        "abp": [[i % 100 for i in range(500)]] * n,
        "abp_scale": [0.5] * n,
        "abp_zero": [60.0] * n,
        "abp_unit": ["mmHg"] * n,
        "abp_lead": ["ABP"] * n,
        "abp_missing": [0.0] * n,
        "abp_grade": ["good"] * n,
        "abp_sqi": [0.9] * n,
        "grader_version": ["1"] * n,
        "input_sha256": ["0"] * n,
        "run_id": ["run"] * n,
        **absent,
    }
    empty = Window.create_empty()
    missing = {c: [None] * n for c in empty.columns if c not in columns}
    return pl.DataFrame({**columns, **missing}, schema_overrides=empty.schema).select(empty.columns)


@pytest.fixture(scope="session")
def pulse_rows() -> Callable[..., pl.DataFrame]:
    """Make rows of ``numerics``: one heart rate a minute of one record."""

    def make(record_id: str, *values: float, dataset: str = "ward") -> pl.DataFrame:
        n = len(values)
        columns = {
            "dataset": [dataset] * n,
            "record_id": [record_id] * n,
            "name": ["HR"] * n,
            "start_s": [60.0 * i for i in range(n)],
            "subject_id": [record_id] * n,
            "quantity": ["heart_rate"] * n,
            "value": list(values),
            "unit": ["bpm"] * n,
            "run_id": ["run"] * n,
        }
        return pl.DataFrame(columns, schema=Numeric.create_empty().schema)

    return make


@pytest.fixture(scope="session")
def put_pulse(pulse_rows) -> Callable[..., None]:
    """Commit heart rates of one record in place of its older ones."""

    def put(lake: Lake, record_id: str, *values: float, dataset: str = "ward") -> None:
        rows = pulse_rows(record_id, *values, dataset=dataset)
        lake.put("numerics", [rows], replacing=rows.select("dataset", "record_id").unique())

    return put


@pytest.fixture(scope="session")
def pulses() -> Callable[[Lake], list[float]]:
    """Give the heart rates of a lake, by dataset, record and time."""

    def read(lake: Lake) -> list[float]:
        rows = lake.scan("numerics").sort("dataset", "record_id", "start_s")
        return rows.collect()["value"].to_list()

    return read


@pytest.fixture(scope="session")
def restamp() -> Callable[..., None]:
    """Let a commit of ``numerics`` be by a clock that is wrong."""

    def write(lake: Lake, version: int, moment: datetime) -> None:
        commit = Path(lake.url, "numerics", "_delta_log", f"{version:020}.json")
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] = round(moment.timestamp() * 1000)
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))

    return write
