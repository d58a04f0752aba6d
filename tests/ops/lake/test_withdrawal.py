import itertools
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.withdrawal import allow, refused_since, withdraw
from schemas.audit import Audit
from schemas.backfill import Backfill


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def made(model_id: str, *windows: int, record_id: str = "a") -> pl.DataFrame:
    """Rows of a model that abstained."""
    n = len(windows)
    told = {
        "dataset": "ward",
        "record_id": record_id,
        "modality": "abp",
        "task": "translate",
        "model_id": model_id,
        "subject_id": record_id,
        "grade": "absent",
        "conditions": ["ppg"],
        "calibration": "none",
        "abstained": "conditions",
        "n_samples": 1,
        "model_sha256": "0",
        "sampler": "none",
        "steps": 0,
        "seed": 0,
        "input_sha256": "0",
        "spec_sha256": "0",
        "synthetic": True,
        "run_id": "run",
        "created_at": datetime(2026, 11, 26, tzinfo=UTC),
    }
    empty = Backfill.create_empty()
    columns = {name: [told.get(name)] * n for name in empty.columns}
    columns |= {"window_index": [*windows], "start_s": [4.0 * window for window in windows]}
    return pl.DataFrame(columns, schema=empty.schema)


def audited(model_id: str, window: int) -> pl.DataFrame:
    """A row of what a model did not say of a measured window."""
    told = dict.fromkeys(Audit.column_names()) | {
        "dataset": "ward",
        "record_id": "a",
        "window_index": window,
        "model_id": model_id,
        "run_id": "run",
        "subject_id": "a",
        "start_s": 4.0 * window,
        "half": "judges",
        "conditions": ["ppg"],
        "calibration": "none",
        "abstained": "silent",
        **{f"true_{pressure}": 90.0 for pressure in ("sbp", "dbp", "map")},
        "model_sha256": "0",
        "input_sha256": "0",
        "spec_sha256": "0",
        "audited_at": datetime(2026, 11, 26, tzinfo=UTC),
    }
    return pl.DataFrame([told], schema=Audit.create_empty().schema)


def models(lake: Lake) -> list[tuple[str, int]]:
    rows = lake.scan("backfill").sort("model_id", "window_index").collect()
    return rows.select("model_id", "window_index").rows()


def test_a_models_rows_go_in_one_commit_and_no_others(lake) -> None:
    lake.put("backfill", [made("old", 0, 1), made("new", 2)])
    lake.put("backfill", [made("old", 3)])
    lake.put("backfill", [made("new", 4)])
    gone = withdraw(lake.location, "old")

    assert gone == {"backfill": 3, "annotations": 0}
    assert lake.open("backfill").version() == 4
    assert models(lake) == [("new", 2), ("new", 4)]


def test_a_withdrawn_model_is_refused_until_it_is_allowed_again(lake) -> None:
    lake.put("backfill", [made("old", 0)])
    withdraw(lake.location, "old")
    lake.put("backfill", [made("new", 1)])

    with pytest.raises(ValueError, match="model old is withdrawn from table backfill of lake"):
        lake.put("backfill", [made("new", 2), made("old", 0)])
    allow(lake.location, "old")
    lake.put("backfill", [made("old", 0)])
    assert models(lake) == [("new", 1), ("old", 0)]


def test_what_was_filled_before_a_withdrawal_and_comes_after_it_is_refused(lake) -> None:
    lake.put("backfill", [made("old", 0)])
    with lake.writer("backfill", {"dataset": "ward"}) as file:
        file.write(made("old", 1))
    withdraw(lake.location, "old")

    with pytest.raises(ValueError, match="model old is withdrawn"):
        lake.commit("backfill", file.finished())
    assert models(lake) == []


def test_a_night_that_fills_at_the_same_time_never_brings_rows_back(lake) -> None:
    lake.put("backfill", [made("old", 0), made("new", 0)])
    refused, begun = [], threading.Event()

    def fill() -> None:
        for window in itertools.count(1):
            time.sleep(0.01)  # a night commits every few seconds: it leaves others their turn
            try:
                lake.put("backfill", [made("old", window)])
            except ValueError as error:
                refused.append(str(error))
                return
            if window == 3:
                begun.set()

    night = threading.Thread(target=fill, daemon=True)
    night.start()
    begun.wait(30)
    withdraw(lake.location, "old")
    night.join(30)

    assert len(refused) == 1
    assert models(lake) == [("new", 0)]


def test_a_withdrawal_outlives_checkpoint_compaction_and_clean_up(lake) -> None:
    for window in range(5):
        lake.put("backfill", [made("new", window)])
    began = datetime.now(UTC)
    withdraw(lake.location, "old")
    compact(lake.location, "backfill")
    lake.open("backfill").create_checkpoint()
    log = Path(lake.url, "backfill", "_delta_log")
    long_ago = time.time() - 40 * 86400
    for file in log.iterdir():
        os.utime(file, (long_ago, long_ago))
    lake.put("backfill", [made("new", 5)])
    lake.open("backfill").create_checkpoint()
    lake.open("backfill").cleanup_metadata()
    since = refused_since([lake.open("backfill")], "old")

    assert not (log / f"{0:020}.json").exists()
    assert timedelta(0) <= since - began + timedelta(milliseconds=1) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="model old is withdrawn"):
        lake.put("backfill", [made("old", 0)])


def test_a_model_may_be_withdrawn_before_it_has_filled_anything(lake) -> None:
    assert withdraw(lake.location, "old") == {"backfill": 0, "annotations": 0}
    assert refused_since([lake.open("backfill")], "old") is not None
    assert refused_since([lake.open("backfill")], "new") is None
    with pytest.raises(ValueError, match="model old is withdrawn"):
        lake.put("backfill", [made("old", 0)])


def test_withdrawing_or_allowing_twice_makes_no_version(lake) -> None:
    withdraw(lake.location, "old")
    withdraw(lake.location, "old")
    allow(lake.location, "old")
    allow(lake.location, "old")
    allow(lake.location, "new")

    assert lake.open("backfill").version() == 2


def test_the_audit_of_a_withdrawn_model_stays_and_nothing_is_added_to_it(lake) -> None:
    lake.put("backfill", [made("old", 0)])
    lake.put("audit", [audited("old", 1), audited("new", 1)])
    gone = withdraw(lake.location, "old")
    lake.put("audit", [audited("new", 2)])

    assert gone == {"backfill": 1, "annotations": 0}
    with pytest.raises(ValueError, match="model old is withdrawn from table audit of lake"):
        lake.put("audit", [audited("old", 2)])
    told = lake.scan("audit").select("model_id", "window_index").collect().rows()
    assert sorted(told) == [("new", 1), ("new", 2), ("old", 1)]


def test_a_model_that_is_allowed_again_is_audited_again(lake) -> None:
    withdraw(lake.location, "old")
    allow(lake.location, "old")
    lake.put("audit", [audited("old", 1)])

    assert lake.scan("audit").collect().height == 1
