import polars as pl
import pytest

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
