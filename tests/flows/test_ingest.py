from flows.ingest import in_order
from ops.catalog import PlannedRecord
from ops.source import Entry


def planned(record_id: str, size: int) -> PlannedRecord:
    path = f"{record_id}.hea"
    return PlannedRecord(record_id, path, "new", (Entry(path, size, "1"),), (path,), "")


def test_large_records_are_read_first_and_the_rest_by_name() -> None:
    small = [planned(f"r{i:03}", 10 + i % 7) for i in range(300)]
    night = [*reversed(small), planned("z", 5000), planned("m", 9000)]
    order = [one.record_id for one in in_order(night)]

    assert order[:2] == ["m", "z"]
    assert order[2:] == sorted(order[2:])


def test_few_records_are_read_the_largest_first() -> None:
    order = [one.record_id for one in in_order([planned("a", 10), planned("b", 30)])]

    assert order == ["b", "a"]
