"""How fast, and in what memory, records become committed windows: ``python -m bench.ingest``.

Both ways read the same records in the same run, each in a fresh process on the same core with one
thread, start-up aside. Ours is repeated and its median taken; the straightforward way runs once.
A signal-hour is an hour of one stored modality; a tri-modal hour is three of them. The bars are
held to CPU seconds, which what else the machine does leaves alone; the clock's are told beside.

Prints tables and writes JSON. Each bar is met or missed in so many words, and the exit status is 1
where one is missed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.child import ROOT, told_by
from bench.ingest_archives import lay_out
from bench.report import Report, all_met, at_least, show, write

OURS: Final = "pulselake"
THEIRS: Final = "straightforward"
TOLD: Final = {
    "short": "records of 5 min at 250 Hz",
    "hour": "one hour at 250 Hz",
    "mimic4": "20 min of MIMIC-IV",
}
AT_250_HZ: Final = ("short", "hour")
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
TIMES_FASTER: Final = 15
TIMES_REAL_TIME: Final = 2500

CLOCKS: Final = ("seconds", "cpu_seconds")

Ran = dict[str, dict[str, Any]]
"""By archive, what each way's process told."""


def compare(ours: Ran, theirs: Ran) -> Report:
    """Set the ways side by side, one archive after the other."""
    rows: list[list[Any]] = []
    bars = []
    for archive in ours:
        for way, told in ((OURS, ours[archive]), (THEIRS, theirs[archive])):
            hours, seconds, cpu = _signal_hours(told), *map(partial(_median, told), CLOCKS)
            rows.append([TOLD[archive], way, hours, seconds, cpu, hours / seconds, hours / cpu])
        seconds, cpu = (rows[-2][column] / rows[-1][column] for column in (-2, -1))
        rows.append([TOLD[archive], "times faster", None, None, None, seconds, cpu])
        bars.append(at_least(f"times faster, {TOLD[archive]}", cpu, TIMES_FASTER))
    header = ["records", "way", "signal-hours", "seconds", "CPU s", "signal-h/s", "signal-h/CPU s"]
    refused, asked = (
        sum(told["runs"][0][count] for told in theirs.values()) for count in ("refused", "asked")
    )
    note = (
        f"NeuroKit2 gave up on {refused} of {asked} signals of 4 s, which takes it less time; "
        "it has nothing for ABP"
    )
    return Report("From WFDB on disk to committed windows", header, rows, bars, note)


def tri_modal_hour(ours: Ran) -> Report:
    """Tell what a tri-modal hour costs, and what part of it goes where."""
    costs = {clock: [_a_tri_modal_hour(told, clock) for told in ours.values()] for clock in CLOCKS}
    rows: list[list[Any]] = [[clock.replace("_", " "), *cost] for clock, cost in costs.items()]
    for part in next(iter(ours.values()))["parts"]:
        shares = [told["parts"][part] / told["parts"]["all"] for told in ours.values()]
        rows.append([f"share of {part}", *shares])
    bars = [
        at_least(f"times real time on one core, {TOLD[archive]}", 3600 / cost, TIMES_REAL_TIME)
        for archive, cost in zip(ours, costs["cpu_seconds"], strict=True)
        if archive in AT_250_HZ
    ]
    note = "shares are of profiled time; commit has validation and Parquet of its own in it"
    return Report("A tri-modal hour", ["", *(TOLD[a] for a in ours)], rows, bars, note)


def memory(ours: Ran, theirs: Ran) -> Report:
    """Tell the peak resident memory of each process."""
    rows = [
        [TOLD[archive], way, told["imported_mib"], told["peak_mib"]]
        for archive in ours
        for way, told in ((OURS, ours[archive]), (THEIRS, theirs[archive]))
    ]
    header = ["records", "way", "MiB after imports", "MiB at peak"]
    return Report("Peak memory", header, rows, [])


def run_way(way: str, archive: Path, warm_up: Path, repeats: int) -> dict[str, Any]:
    """Run one way on one archive in a process of its own.

    Raises:
        RuntimeError: where that process fails, with what it said last.
    """
    arguments = [str(archive), "--warm-up", str(warm_up), "--repeats", str(repeats)]
    return told_by(
        f"bench.ingest_{way}",
        arguments,
        failed=f"{way} failed on {archive.name}",
        environment=ONE_THREAD,
    )


def main() -> int:
    """Run both ways, print what they took and write it down."""
    options = _options()
    ours: Ran = {}
    theirs: Ran = {}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as scratch, _on_one_core():
        archives = lay_out(options.data / "wfdb", options.records, Path(scratch))
        for name in TOLD:
            ours[name] = run_way(OURS, archives[name], archives["warm-up"], options.repeats)
            theirs[name] = run_way(THEIRS, archives[name], archives["warm-up"], 1)
    reports = [compare(ours, theirs), tri_modal_hour(ours), memory(ours, theirs)]
    show(reports)
    told = {"records": options.records, "repeats": options.repeats, "cores": os.cpu_count()}
    write(options.json, reports, {**told, "load_average": load})
    return 0 if all_met(reports) else 1


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Keep this process and those that it starts on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _median(told: dict[str, Any], figure: str) -> float:
    return float(median(run[figure] for run in told["runs"]))


def _signal_hours(told: dict[str, Any]) -> float:
    return float(told["runs"][0]["signal_s"]) / 3600


def _a_tri_modal_hour(told: dict[str, Any], figure: str) -> float:
    return _median(told, figure) / (_signal_hours(told) / 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    found = Path(os.environ.get("PULSELAKE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=found, help="folder of wfdb/")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "ingest.json")
    parser.add_argument("--records", type=int, default=12, help="records of 5 min to take")
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours, for the median")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
