"""What an export of a cohort takes: ``python -m bench.cohort``.

The command ``pulselake cohort`` in a process of its own, bound to two cores, on a lake of simulated
scalars: half of the windows measured, the other half synthetic, one in a hundred audited.
A run starts with Python itself, its imports among what is timed, and a hot page cache. The lake is
made before, by its own writer and compaction.

Prints tables and writes JSON; the exit status is 1 where a bar is missed.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.child import ROOT, told_by
from bench.cohort_lake import build_cohort_lake, sizes_of
from bench.report import Report, all_met, at_most, show, write
from ops.lake import Lake

MOST_S: Final = 10.0
MOST_MIB: Final = 2048.0
CORES: Final = 2

TABLES: Final = ("parquet", "csv")
FORMS: Final[dict[str, tuple[str, ...]]] = {
    "series, hours and subjects, Parquet": ("parquet",),
    "the same, Parquet and CSV": TABLES,
    "these, and OMOP": (*TABLES, "omop"),
    "these, and MEDS": (*TABLES, "meds"),
    "all, with Croissant": (*TABLES, "omop", "meds", "croissant"),
}
BARRED: Final = "the same, Parquet and CSV"


def export(lake: Lake, forms: tuple[str, ...], out: Path) -> dict[str, Any]:
    """Run one export; give its summary, with the seconds of its process as ``wall`` and ``cpu``."""
    wall, cpu = time.perf_counter(), _cpu_of_children()
    chosen = [word for form in forms for word in ("--format", form)]
    summary = told_by(
        "flows.cli",
        ["cohort", lake.url, "--out", str(out), "--overwrite", "--json", *chosen],
        failed="the export failed",
        environment={"POLARS_MAX_THREADS": str(CORES)},
    )
    return {**summary, "wall": time.perf_counter() - wall, "cpu": _cpu_of_children() - cpu}


def whole(runs: dict[str, list[dict[str, Any]]], out_mb: dict[str, float]) -> Report:
    """Tell seconds and memory of each choice of forms: the median run, and the worst."""
    rows: list[list[Any]] = []
    for name, told in runs.items():
        walls, peaks = [run["wall"] for run in told], [run["peak_rss_mib"] for run in told]
        cpu = median(run["cpu"] for run in told)
        rows.append([name, len(told), median(walls), max(walls), cpu, max(peaks), out_mb[name]])
    told = runs[BARRED]
    bars = [
        at_most("s of an export, Parquet and CSV, median", median(r["wall"] for r in told), MOST_S),
        at_most("MiB of it, the most", max(run["peak_rss_mib"] for run in told), MOST_MIB),
    ]
    header = ["export", "runs", "s, median", "s, max", "CPU s", "MiB, max", "MB written"]
    return Report("A whole export, as a command", header, rows, bars)


def steps(run: dict[str, Any]) -> Report:
    """Tell the seconds of each step of one run with all forms."""
    rows: list[list[Any]] = [[name, seconds] for name, seconds in run["timings"].items()]
    rows.append(["counts, methods, hashes", run["seconds"] - sum(run["timings"].values())])
    rows.append(["Python's start and imports", run["wall"] - run["seconds"]])
    return Report("Its steps", ["step", "s"], rows, [])


def main() -> int:
    """Make the lake, export from it, print what that took and write it down."""
    options = _options()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory(prefix="bench-cohort-") as scratch:
        clock = time.perf_counter()
        lake = build_cohort_lake(f"{scratch}/lake", options.windows)
        made_s = time.perf_counter() - clock
        out = Path(scratch, "out")
        runs, out_mb = {}, {}
        load = os.getloadavg()[0]
        for name, forms in FORMS.items():
            runs[name] = [export(lake, forms, out) for _ in range(options.runs)]
            out_mb[name] = sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) / 1e6
        sizes = sizes_of(lake)
    reports = [whole(runs, out_mb), steps(runs[[*FORMS][-1]][-1])]
    show(reports)
    told = {
        "windows": options.windows,
        "made_s": made_s,
        "cores": min(CORES, os.cpu_count() or CORES),
        "load_average": load,
        "table_bytes": sizes,
        "sources": runs[BARRED][-1]["sources"],
    }
    write(options.json, reports, told)
    return 0 if all_met(reports) else 1


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "cohort.json")
    parser.add_argument("--windows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of each choice of forms")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
