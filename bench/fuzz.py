"""Whether hostile input stops, blocks or misleads a night: ``python -m bench.fuzz``.

Pieces of real records are spoiled in one to three ways, and headers are made up; each case goes
through listing, planning, reading and committing as a night does it, in a process that is watched:
what it opens, what it asks for in memory, how long it takes. A case is the same for the same seed
and number, so that ``--first`` and ``--cases`` do one of them again. The bar of time is held to CPU
seconds, which what else the machine does leaves alone; a case that takes more than a minute by the
clock, or 2 GiB, ends its process, and has failed.

Prints a table and writes JSON. Each bar is met or missed in so many words, and the exit status is 1
where one is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.child import ROOT
from bench.report import Bar, Report, all_met, at_least, at_most, show, write

CASES: Final = 20_000
A_PROCESS: Final = 960
"""Cases that a process takes, whole archives: none begins in the memory of too many others."""
AT_ONCE: Final = 32
"""Cases that share an archive."""
SLOWEST_S: Final = 5.0
MEMORY_MIB: Final = 256.0
OUTCOMES: Final = {"read": "whole", "partly": "in part", "refused": "refused", "nothing": "none"}
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)

Told = dict[str, Any]
"""What became of one case, by the fields of ``bench.fuzz_night.Told``."""


def outcomes(told: Sequence[Told]) -> Report:
    """Tell what became of the cases, by what was done to them, and settle the bars."""
    ways = sorted({way for one in told for way in one["ways"]})
    groups = {way: [one for one in told if way in one["ways"]] for way in ways}
    rows = [_row(way, group) for way, group in (*groups.items(), ("all", told))]
    header = ["done to it", "cases", *OUTCOMES.values(), "failed", "CPU s", "clock s", "MiB"]
    note = (
        "a case of several ways counts in each; none: no catalog offers it, or nothing is left; "
        "seconds and memory are those of the worst case"
    )
    return Report("What became of hostile records", header, rows, bars(told), note)


def bars(told: Sequence[Told]) -> list[Bar]:
    """Hold the cases to what a night promises of any input."""
    failed = [one for one in told if one["failures"]]
    return [
        at_least("cases", len(told), CASES),
        at_most("cases that crash, trespass or say nothing", len(failed), 0),
        at_most("slowest case, CPU s", max(one["cpu_seconds"] for one in told), SLOWEST_S),
        at_most("most memory of a case, MiB", max(one["peak_mib"] for one in told), MEMORY_MIB),
        at_most("cases to be tried again, on a sound disk", sum(map(_for_now, told)), 0),
    ]


def failures(told: Iterable[Told]) -> Report:
    """Name the first cases that failed."""
    failed = [one for one in told if one["failures"]]
    rows = [[one["number"], one["seed"], "; ".join(one["failures"])[:400]] for one in failed[:20]]
    return Report("Cases that failed", ["case", "record", "how"], rows, [])


def run_cases(wfdb: Path, seed: int, first: int, stop: int) -> Iterator[Told]:
    """Take a range of cases through, in one process after the other.

    Where a process dies, the next takes the cases that shared an archive with the culprit alone,
    each in an archive of its own; the one that kills it too has failed.
    """
    alone = False
    while first < stop:
        at_once, n = (1, AT_ONCE) if alone else (AT_ONCE, A_PROCESS)
        told, died = _process(wfdb, seed, range(first, min(first + n, stop)), at_once)
        yield from told
        first += len(told)
        if died and alone:
            yield _dead(first, died)
            first += 1
        alone = died is not None


def _process(wfdb: Path, seed: int, cases: range, at_once: int) -> tuple[list[Told], str | None]:
    """Give what a process told of its cases, and how it died where it did."""
    with tempfile.TemporaryDirectory(prefix="bench-fuzz-", dir=_memory()) as folder:
        numbers = {"seed": seed, "first": cases.start, "stop": cases.stop, "at-once": at_once}
        options = [f"--{name}={value}" for name, value in numbers.items()]
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "bench.fuzz_night", str(wfdb), folder, *options],
            env={**os.environ, **ONE_THREAD},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        said = " ".join(ran.stderr.strip().splitlines()[-1:])
        written = Path(folder) / "told"
        if not written.is_file():
            message = f"the fuzzer did not get to its first case: {said}"
            raise RuntimeError(message)
        lines = written.read_text(encoding="utf-8").splitlines()
    return [
        json.loads(line) for line in lines
    ], f"{ran.returncode} {said}" if ran.returncode else None


def _dead(number: int, died: str) -> Told:
    """What is told of a case whose process did not live to tell it."""
    failure = f"its process ended with {died}"
    unknown = dict.fromkeys(("seconds", "cpu_seconds", "peak_mib", "for_now"), 0)
    return {"number": number, "seed": "", "ways": [], "outcome": "nothing", **unknown} | {
        "failures": [failure]
    }


def _row(way: str, group: Sequence[Told]) -> list[Any]:
    became = Counter(one["outcome"] for one in group)
    return [
        way,
        len(group),
        *(became[outcome] for outcome in OUTCOMES),
        sum(bool(one["failures"]) for one in group),
        max(one["cpu_seconds"] for one in group),
        max(one["seconds"] for one in group),
        max(one["peak_mib"] for one in group),
    ]


def _for_now(told: Told) -> bool:
    return bool(told["for_now"])


def _memory() -> str | None:
    """Give a folder in memory, so that nothing that is measured waits for a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def main() -> int:
    """Take the cases through, print what became of them and write it down."""
    options = _options()
    load, began = os.getloadavg()[0], time.perf_counter()
    last = options.first + options.cases
    starts = range(options.first, last, A_PROCESS)
    with ThreadPoolExecutor(options.jobs) as pool:
        ran = pool.map(
            lambda first: list(
                run_cases(options.data / "wfdb", options.seed, first, min(first + A_PROCESS, last))
            ),
            starts,
        )
        told = [one for some in ran for one in some]
    seconds = time.perf_counter() - began
    reports = [outcomes(told), failures(told)]
    show(reports)
    asked = {"seed": options.seed, "first": options.first, "cases": options.cases}
    write(options.json, reports, {**asked, "seconds": seconds, "load_average": load})
    return 0 if all_met(reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    found = Path(os.environ.get("PULSELAKE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=found, help="folder of wfdb/")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "fuzz.json")
    parser.add_argument("--seed", type=int, default=0, help="of all cases together")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--cases", type=int, default=CASES, help="how many cases")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
