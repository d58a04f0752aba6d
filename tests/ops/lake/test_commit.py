from collections.abc import Callable

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from ops.lake import Lake
from ops.lake.compact import compact


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def lose_an_answer(monkeypatch) -> Callable[[], None]:
    """Let the next commit land and its answer be lost: a store's retry then tells a conflict."""
    land = DeltaTable.create_write_transaction

    def lose() -> None:
        def landed(*arguments, **options) -> None:
            monkeypatch.setattr(DeltaTable, "create_write_transaction", land)
            land(*arguments, **options)
            message = "this version is there already"
            raise CommitFailedError(message)

        monkeypatch.setattr(DeltaTable, "create_write_transaction", landed)

    return lose


def test_a_commit_that_landed_counts_though_its_answer_was_lost(
    lake, pulse_rows, pulses, lose_an_answer
) -> None:
    lake.put("numerics", [pulse_rows("a", 70.0), pulse_rows("b", 80.0)])
    key = pulse_rows("a", 70.0).select("dataset", "record_id")
    lose_an_answer()
    gone = lake.put("numerics", [pulse_rows("a", 60.0)], replacing=key)

    assert gone == 1
    assert lake.open("numerics").version() == 2
    assert pulses(lake) == [60.0, 80.0]


def test_a_compaction_that_landed_counts_though_its_answer_was_lost(
    lake, put_pulse, pulses, lose_an_answer
) -> None:
    for record_id in "abcde":
        put_pulse(lake, record_id, 70.0)
    lose_an_answer()

    assert compact(lake.location, "numerics") == 4
    assert pulses(lake) == [70.0] * 5


def test_files_that_are_committed_again_are_there_once(lake, pulse_rows, pulses) -> None:
    rows = pulse_rows("a", 60.0)
    lake.put("numerics", [pulse_rows("a", 70.0), pulse_rows("b", 80.0)])
    with lake.writer("numerics", {"dataset": "ward"}) as file:
        file.write(rows)
    for _ in range(2):
        key = rows.select("dataset", "record_id")
        lake.commit("numerics", file.finished(), replacing=key)

    assert pulses(lake) == [60.0, 80.0]
