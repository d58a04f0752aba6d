"""A lake of a few subjects: windows with and without a line, what was made of them, an audit."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ops.lake import Lake
from schemas.audit import Audit
from schemas.backfill import Backfill
from schemas.demographics import Demographic
from schemas.records import Record
from schemas.windows import Window
from tests.ops.cohort.rows import START, frame_of, made, record, window


@pytest.fixture(scope="session")
def make_lake() -> Callable[..., Lake]:
    """Write a lake of rows by table."""
    schemas = {
        "windows": Window,
        "backfill": Backfill,
        "audit": Audit,
        "records": Record,
        "demographics": Demographic,
    }

    def make(folder: Path, **rows: list[dict]) -> Lake:
        lake = Lake(str(folder))
        for table, of_table in rows.items():
            lake.put(table, [frame_of(schemas[table], of_table)])
        return lake

    return make


@pytest.fixture(scope="session")
def ward(make_lake: Callable[..., Lake], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three records: ``a-1`` with a line, then cuffs; ``a-2`` cuffs alone; ``b-1`` without clock.

    Of ``a-1`` windows 0 to 19 have a line, 20 to 29 were made; 15 a minute. To the full hour it has
    15 windows.
    """
    windows = [window("a-1", i, 100.0 if i < 20 else None) for i in range(30)]
    windows += [window("a-2", i, None, start_time=START + timedelta(hours=3)) for i in range(2)]
    windows += [window("b-1", i, None, clock=False) for i in range(4)]
    rows = [made("a-1", i, 95.0) for i in range(20, 30)]
    rows += [made("a-2", 0, 90.0), made("a-2", 1, None)]
    rows += [made("b-1", i, 80.0, calibration="none", reference_age_s=None) for i in range(4)]
    patient = {"care_unit": "micu", "sex": "F", "age_years": 60.0, "run_id": "run"}
    return make_lake(
        tmp_path_factory.mktemp("ward") / "lake",
        windows=windows,
        backfill=rows,
        records=[record("a-1"), record("a-2"), record("b-1", clock=False)],
        demographics=[{"dataset": "ward", "record_id": "a-1", "subject_id": "a", **patient}],
    )
