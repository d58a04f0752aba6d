"""One way of ingesting in a process of its own: warmed up, timed, its memory measured.

Imports and the warm-up are start-up, and not timed.
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Way = Callable[[Path, Path], dict[str, Any]]
"""Ingests an archive into an empty folder; says what it did, ``signal_s`` of signals at least."""


def run_way(way: Way, profiled: Callable[[Path, Path], dict[str, float]] | None = None) -> None:
    """Do what the command line asks for and print one JSON object, on the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("archive", type=Path)
    parser.add_argument("--warm-up", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    at_start = peak_mib()
    _in_a_folder(way, options.warm_up)
    runs = [_timed(way, options.archive) for _ in range(options.repeats)]
    told = {
        "archive": options.archive.name,
        "imported_mib": at_start,
        "peak_mib": peak_mib(),
        "runs": runs,
        "parts": _in_a_folder(profiled, options.archive) if profiled else {},
    }
    print(json.dumps(told))


def peak_mib() -> float:
    """Give the peak resident memory of this process in MiB.

    ``ru_maxrss`` would count the parent's memory before ``exec``; ``VmHWM`` does not.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")


def _timed(way: Way, archive: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        told = way(archive, Path(folder))
        return {
            **told,
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
        }


def _in_a_folder(way: Way, archive: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return way(archive, Path(folder))
