import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bytes_read import bytes_read_by
from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.footers import Footers
from ops.lake.ranges import RangeFile
from ops.lake.snapshot import Snapshot
from ops.window_rows import signal_list
from schemas.backfill import Backfill
from schemas.windows import Window

SIGNALS = ("ecg", "ppg", "abp")
ODD = "unit [2]/%20"
RECORDS = {"a": 200, "b": 300, "c/1 é": 70, "d": 3, **{f"e{i}": 2 for i in range(30)}}
"""Windows by record: some take several row groups, and many lie in one."""

Windows = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def windows(window_rows) -> Windows:
    """Make a record's windows, each unlike the others."""

    def make(record_id: str, n: int, dataset: str = "ward") -> pl.DataFrame:
        rng = np.random.default_rng([n, len(record_id)])
        counts = rng.integers(-9000, 9000, (n, 500), dtype=np.int16)
        return pl.concat([window_rows[:1]] * n).with_columns(
            dataset=pl.lit(dataset),
            record_id=pl.lit(record_id),
            window_index=pl.int_range(n, dtype=pl.Int32),
            start_s=4.0 * pl.int_range(n),
            abp=signal_list(counts, np.full(n, fill_value=True)),
            sbp=pl.Series(rng.uniform(90, 180, n), dtype=pl.Float32),
            abp_grade=pl.Series(["good", "fair"] * n)[:n],
        )

    return make


@pytest.fixture(scope="session")
def lakes(tmp_path_factory, windows) -> dict[str, Lake]:
    """One lake as the night left it, with files of any size, and the same compacted."""
    made = {}
    for name in ("many files", "compacted"):
        lake = Lake(str(tmp_path_factory.mktemp(name.replace(" ", "_")) / "lake"))
        for dataset in ("ward", ODD):
            for record in ("a", "b", "c/1 é", "d"):
                lake.put("windows", [windows(record, RECORDS[record], dataset)])
            lake.put("windows", [windows(r, n, dataset) for r, n in RECORDS.items() if n == 2])
        made[name] = lake
    compact(made["compacted"].location, "windows")
    return made


def plainly(lake: Lake, dataset: str, record_id: str, first: int, last: int) -> pl.DataFrame:
    """What any reader of the table finds."""
    return (
        lake.scan("windows")
        .filter(
            pl.col("dataset") == dataset,
            pl.col("record_id") == record_id,
            pl.col("window_index").is_between(first, last),
        )
        .select(Window.column_names())
        .sort("window_index")
        .collect()
    )


def opened(snapshot: Snapshot, record_id: str, first: int, last: int, dataset: str = "ward"):
    return snapshot.rows(dataset=dataset, record_id=record_id, window_index=(first, last))


def only_file(lake: Lake) -> Path:
    (uri,) = lake.open("windows").file_uris()
    return Path(uri)


def blot_out(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(length))


def blot_out_footer(path: Path) -> None:
    length = pq.read_metadata(path).serialized_size + 8
    blot_out(path, path.stat().st_size - length, length)


def blot_out_signals(path: Path, *but: int) -> int:
    """Spoil the signals of all row groups but some; give how many bytes that is."""
    metadata = pq.read_metadata(path)
    chunks = [
        metadata.row_group(i).column(j)
        for i in range(metadata.num_row_groups)
        for j in range(metadata.num_columns)
        if i not in but
    ]
    signals = [c for c in chunks if c.path_in_schema.partition(".")[0] in SIGNALS]
    for chunk in signals:
        blot_out(path, chunk.data_page_offset, chunk.total_compressed_size)
    return sum(chunk.total_compressed_size for chunk in signals)


@pytest.fixture
def lake(tmp_path, windows) -> Lake:
    """One file of three records in five row groups."""
    lake = Lake(str(tmp_path / "lake"))
    lake.put("windows", [windows("a", 200), windows("b", 200), windows("c", 200)])
    return lake


def test_compaction_leaves_row_groups_in_which_records_meet(lakes) -> None:
    files = [Path(uri) for uri in lakes["compacted"].open("windows").file_uris()]

    assert len(files) == 2
    assert len(lakes["many files"].open("windows").file_uris()) == 10
    assert pq.read_metadata(files[0]).num_row_groups == 5


@pytest.mark.parametrize("name", ["many files", "compacted"])
def test_any_run_of_windows_is_what_a_plain_scan_gives(lakes, name) -> None:
    lake = lakes[name]
    snapshot = Snapshot(lake.location, "windows")

    @settings(max_examples=25, deadline=None)
    @given(
        record=st.sampled_from([*RECORDS, "nobody", "e", "z"]),
        first=st.integers(0, 310),
        length=st.sampled_from([0, 1, 1, 2, 130, 400]),
        dataset=st.sampled_from(["ward", ODD]),
    )
    def check(record, first, length, dataset) -> None:
        last = first + length - 1
        rows = opened(snapshot, record, first, last, dataset).collect()

        assert rows.sort("window_index").equals(plainly(lake, dataset, record, first, last))

    check()


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_what_polars_asks_of_the_rows_is_asked_of_all_row_groups(lakes, engine) -> None:
    rows = opened(Snapshot(lakes["compacted"].location, "windows"), "b", 10, 289)

    assert rows.select(pl.len()).collect(engine=engine).item() == 280
    assert rows.head(200).collect(engine=engine)["window_index"].to_list() == list(range(10, 210))
    assert rows.tail(2).collect(engine=engine)["window_index"].to_list() == [288, 289]
    assert rows.slice(150, 3).collect(engine=engine)["window_index"].to_list() == [160, 161, 162]
    fair = rows.filter(pl.col("abp_grade") == "fair").select("window_index")
    assert fair.collect(engine=engine)["window_index"].to_list() == list(range(11, 290, 2))
    assert fair.head(130).collect(engine=engine).height == 130


def test_a_window_that_is_not_there_is_no_row(lake, windows) -> None:
    with_gap = windows("d", 300).filter(~pl.col("window_index").is_between(140, 150))
    lake.put("windows", [with_gap])
    snapshot = Snapshot(lake.location, "windows")

    assert opened(snapshot, "d", 145, 145).collect().is_empty()
    assert opened(snapshot, "d", 139, 151).collect()["window_index"].to_list() == [139, 151]
    assert opened(snapshot, "d", 300, 300).collect().schema == Window.create_empty().schema


def test_a_record_whose_name_is_too_long_for_statistics_is_found(lake, windows) -> None:
    name = "long" * 2000
    lake.put("windows", [windows(name, 2), windows("m", 2)])
    snapshot = Snapshot(lake.location, "windows")

    assert opened(snapshot, name, 1, 1).collect()["record_id"].to_list() == [name]
    assert opened(snapshot, "m", 1, 1).collect()["record_id"].to_list() == ["m"]


def test_one_row_group_is_read_and_no_other(lake) -> None:
    path = only_file(lake)
    before = plainly(lake, "ward", "b", 100, 100)
    blot_out_signals(path, 2)
    snapshot = Snapshot(lake.location, "windows")

    assert opened(snapshot, "b", 100, 100).collect().equals(before)
    with pytest.raises(OSError, match=r"\w"):
        opened(snapshot, "a", 100, 100).collect()


def test_the_second_window_of_a_file_reads_no_footer(lake) -> None:
    snapshot = Snapshot(lake.location, "windows")
    opened(snapshot, "a", 0, 0).collect()
    blot_out_footer(only_file(lake))

    assert opened(snapshot, "b", 100, 100).collect().height == 1
    with pytest.raises(Exception, match=r"(?i)magic"):
        opened(Snapshot(lake.location, "windows"), "b", 100, 100).collect()


def test_footers_beyond_the_bound_are_forgotten_the_oldest_first(lakes) -> None:
    lake = lakes["many files"]
    fs, _ = lake.location.filesystem()
    paths = [Path(uri) for uri in lake.open("windows").file_uris()[:3]]
    files = [RangeFile(fs, str(path), path.stat().st_size) for path in paths]
    footers = Footers(most_bytes=sum(pq.read_metadata(p).serialized_size for p in paths) - 1)
    first = [footers.of(file) for file in files[:2]]
    again = footers.of(files[0])
    footers.of(files[2])

    assert again is first[0]
    assert footers.of(files[0]) is first[0]
    assert footers.of(files[1]) is not first[1]


def test_columns_that_are_not_used_are_not_read(lake) -> None:
    before = plainly(lake, "ward", "b", 0, 199).select("window_index", "sbp")
    signals = blot_out_signals(only_file(lake))
    snapshot = Snapshot(lake.location, "windows")
    rows = opened(snapshot, "b", 0, 199)
    found, n_bytes = bytes_read_by(rows.select("window_index", "sbp").collect)

    assert found.equals(before)
    assert n_bytes < signals / 5
    with pytest.raises(OSError, match=r"\w"):
        rows.collect()


def test_a_file_that_is_shorter_than_the_log_tells_is_told(lake) -> None:
    path = only_file(lake)
    path.write_bytes(path.read_bytes()[:-1000])

    with pytest.raises(OSError, match=r"parquet gave \d+ bytes from \d+, expected \d+"):
        opened(Snapshot(lake.location, "windows"), "a", 0, 0).collect()


def test_threads_may_share_a_snapshot(lakes) -> None:
    lake = lakes["compacted"]
    snapshot = Snapshot(lake.location, "windows")
    wanted = [("a", i) for i in range(0, 200, 20)] + [("b", i) for i in range(0, 300, 30)]
    found: dict[tuple[str, int], pl.DataFrame] = {}

    def read(some: list[tuple[str, int]]) -> None:
        for record, window in some:
            found[record, window] = opened(snapshot, record, window, window).collect()

    threads = [threading.Thread(target=read, args=(wanted[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == len(wanted)
    for (record, window), rows in found.items():
        assert rows.select("record_id", "window_index").rows() == [(record, window)]


def test_a_window_is_opened_on_s3(s3, windows) -> None:
    lake = Lake("s3://archive-bucket/lake")
    lake.put("windows", [windows("a", 150, ODD), windows("b", 150, ODD)])
    rows = opened(Snapshot(lake.location, "windows"), "a", 140, 140, ODD).collect()

    assert rows.equals(windows("a", 150, ODD)[140:141])


def test_backfill_is_opened_by_its_window(tmp_path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    made = backfill_rows(200)
    lake.put("backfill", [made, made.with_columns(record_id=pl.lit("b"))])
    snapshot = Snapshot(lake.location, "backfill")
    rows = snapshot.rows(dataset="ward", record_id="b", window_index=(150, 151)).collect()

    assert rows.equals(made.with_columns(record_id=pl.lit("b"))[150:152])


def test_a_cohort_by_grades_never_opens_a_signal(lake, windows) -> None:
    lake.put("windows", [windows("d", 2000)], replacing=pl.DataFrame({"dataset": ["ward"]}))
    cohort = lake.scan("windows").filter(pl.col("abp_grade") == "good")
    columns = ["record_id", "window_index", "sbp"]
    before = cohort.select(columns).collect()
    signals = blot_out_signals(only_file(lake))
    found, n_bytes = bytes_read_by(cohort.select(columns).collect)

    assert before.height == 1000
    assert found.equals(before)
    assert n_bytes < signals / 5
    with pytest.raises(Exception, match=r"\w"):
        cohort.select(*columns, "abp").collect()


def backfill_rows(n: int) -> pl.DataFrame:
    """ABP of one record that was made, a window a row."""
    one = {
        "dataset": "ward",
        "record_id": "a",
        "modality": "abp",
        "task": "translate",
        "model_id": "m",
        "subject_id": "a",
        **{part: [7] * 500 for part in ("samples", "lower", "upper")},
        "scale": 0.5,
        "zero": 60.0,
        "unit": "mmHg",
        "grade": "good",
        "conditions": ["ppg"],
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
    empty = Backfill.create_empty()
    missing = {c: None for c in empty.columns if c not in one}
    rows = [{**missing, **one, "window_index": i, "start_s": 4.0 * i} for i in range(n)]
    return pl.DataFrame(rows, schema=empty.schema)
