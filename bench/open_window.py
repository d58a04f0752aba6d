"""What one window of a large lake takes, and a cohort reads: ``python -m bench.open_window``.

The lake is simulated, on local disk, and made by the lake's own writer and compaction. Windows are
drawn at random; the page cache is hot but for the way that says otherwise. A file's first window is
told apart, with its footer. Bytes are those that the process asked of files, by the kernel's count.

Prints tables and writes JSON. Each bar is met or missed in so many words, and the exit status is 1
where one is missed.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from bench.bytes_read import bytes_read_by
from bench.child import ROOT
from bench.open_window_lake import build_lake, data_files, record_name
from bench.open_window_ways import (
    Pick,
    a_shard,
    cold_times,
    duckdb_way,
    first_of_a_file,
    floor_times,
    middle_of,
    one_window,
    scanned,
    timed,
    times,
)
from bench.report import Report, all_met, at_most, show, write
from ops.lake import Lake
from ops.lake.snapshot import Snapshot
from schemas.grid import SHARD_WINDOWS
from schemas.modality import MODALITIES
from schemas.tables import TABLES

MOST_MS: Final = 20.0
MOST_SHARE: Final = 0.05
COHORT: Final = ["record_id", "window_index", "sbp"]


def opening(lake: Lake, picks: Sequence[Pick], few: int) -> Report:
    """Time windows by each way; the straightforward ones, which are slow, on ``few`` picks."""
    snapshot, first_ms = timed(lambda: Snapshot(lake.location, "windows"))
    _, window_ms = timed(lambda: one_window(snapshot, *picks[0]))
    of_files = [first_of_a_file(lake, path) for path in data_files(lake)]
    for path in data_files(lake):
        one_window(snapshot, *middle_of(path))
    ways: dict[str, list[float]] = {
        "the first, with the log and a footer": [first_ms + window_ms],
        "the first of a further file, with its footer": of_files,
        "one window": times(lambda r, w: one_window(snapshot, r, w), picks),
        "one window, its ABP alone": times(lambda r, w: one_window(snapshot, r, w, "abp"), picks),
        "one window, out of the page cache": cold_times(lake, snapshot, picks[:few]),
        f"a shard of {SHARD_WINDOWS} windows": times(lambda r, w: a_shard(snapshot, r, w), picks),
        "floor: its row group known, read and decoded": floor_times(lake, picks),
        "pl.scan_delta(...).filter(...)": times(lambda r, w: scanned(lake, r, w), picks[:few]),
        "DuckDB, delta_scan(...) where ...": times(duckdb_way(lake), picks[:few]),
    }
    rows: list[list[Any]] = [
        [way, len(ms), median(ms), _p95(ms), max(ms)] for way, ms in ways.items()
    ]
    cpu_ms = times(lambda r, w: one_window(snapshot, r, w), picks, time.process_time)
    bars = [
        at_most("ms to open a window after the first, median", median(ways["one window"]), MOST_MS),
        at_most("CPU ms to open a window after the first, p95", _p95(cpu_ms), MOST_MS),
    ]
    _, n_bytes = bytes_read_by(lambda: one_window(snapshot, *picks[0]))
    note = f"hot page cache; a window reads {n_bytes} bytes once the footer is kept"
    header = ["", "windows", "ms, median", "ms, p95", "ms, max"]
    return Report("Opening one window of one record", header, rows, bars, note)


def cohort(lake: Lake) -> Report:
    """Tell what a filter on grades reads, beside the same with one signal and with all."""
    sizes = column_bytes(lake)
    signals = sum(sizes[m] for m in MODALITIES)
    good = lake.scan("windows").filter(pl.col("abp_grade") == "good")
    good.select(pl.len()).collect()
    queries = {
        "good ABP: record, window, systolic": good.select(COHORT),
        "the same, and the ABP itself": good.select(*COHORT, "abp"),
        "every column": good,
    }
    rows: list[list[Any]] = []
    for name, query in queries.items():
        (found, ms), n_bytes = bytes_read_by(lambda query=query: timed(query.collect))  # type: ignore[misc]
        rows.append([name, found.height, n_bytes / 1e6, n_bytes / signals, ms])
    bars = [at_most("bytes of a cohort over those of the signals", rows[0][3], MOST_SHARE)]
    told = {
        "signals": signals,
        "all files": sum(path.stat().st_size for path in data_files(lake)),
        "footers": sum(pq.read_metadata(path).serialized_size for path in data_files(lake)),
        "the columns asked for": sum(sizes[c] for c in [*COHORT, "abp_grade"]),
    }
    note = "MB: " + ", ".join(f"{what} {size / 1e6:.1f}" for what, size in told.items())
    header = ["cohort", "windows", "MB read", "over signals", "ms"]
    return Report("A cohort by grades", header, rows, bars, note)


def files(lake: Lake) -> Report:
    """Tell what the footers of the files take."""
    rows: list[list[Any]] = []
    for path in data_files(lake):
        metadata, ms = timed(lambda path=path: pq.read_metadata(path))  # type: ignore[misc]
        size = path.stat().st_size
        footer = metadata.serialized_size
        shape = [metadata.num_rows, metadata.num_row_groups, metadata.num_columns]
        rows.append([*shape, size / 1e6, footer / 1e3, footer / size, ms])
    header = ["windows", "row groups", "columns", "MB", "footer kB", "footer over file", "parse ms"]
    return Report("Data files after compaction", header, rows, [])


def column_bytes(lake: Lake) -> dict[str, int]:
    """Give the compressed size of each column over all data files."""
    sizes = dict.fromkeys(TABLES["windows"].schema.column_names(), 0)
    for path in data_files(lake):
        metadata = pq.read_metadata(path)
        for i in range(metadata.num_row_groups):
            for j in range(metadata.num_columns):
                chunk = metadata.row_group(i).column(j)
                sizes[chunk.path_in_schema.partition(".")[0]] += chunk.total_compressed_size
    return sizes


def main() -> int:
    """Make the lake, read from it, print what that took and write it down."""
    options = _options()
    shape = {"records": options.records, "windows_a_record": options.windows}
    draw = random.Random(0)  # noqa: S311
    picks = [
        (record_name(draw.randrange(options.records)), draw.randrange(options.windows))
        for _ in range(options.picks)
    ]
    with tempfile.TemporaryDirectory(prefix="bench-open-window-") as scratch:
        lake, made_ms = timed(
            lambda: build_lake(f"{scratch}/lake", options.records, options.windows)
        )
        load = os.getloadavg()[0]
        reports = [opening(lake, picks, options.few), cohort(lake), files(lake)]
    show(reports)
    told = {"made_s": made_ms / 1e3, "cores": os.cpu_count(), "load_average": load}
    write(options.json, reports, {**shape, **told})
    return 0 if all_met(reports) else 1


def _p95(ms: Sequence[float]) -> float:
    return quantiles(ms, n=20, method="inclusive")[-1] if len(ms) > 1 else ms[0]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    results = ROOT / "bench" / "results" / "open_window.json"
    parser.add_argument("--json", type=Path, default=results)
    parser.add_argument("--records", type=int, default=40)
    parser.add_argument("--windows", type=int, default=2500, help="windows a record")
    parser.add_argument("--picks", type=int, default=400, help="windows to open")
    parser.add_argument("--few", type=int, default=40, help="windows to open by the slow ways")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
