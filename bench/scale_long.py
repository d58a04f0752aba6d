"""One long record, for the scale benchmark: memory and throughput against many short ones."""

import tempfile
from pathlib import Path
from typing import Final

from bench.report import Report, at_least, at_most
from bench.scale_archives import HOUR_S, write_long
from bench.scale_many import Told, night

SHORT_RECORDS: Final = 12
MORE_MIB: Final = 64.0
AS_FAST: Final = 0.9


def ran(hours: int, scratch: Path, hour_s: float = HOUR_S) -> dict[str, Told]:
    """Ingest one record of an hour, twelve of them, and one of ``hours``, each in a process."""
    archives = {"one of 1 h": [1], "many of 1 h": [1] * SHORT_RECORDS, "long": [hours]}
    told = {}
    for name, lengths in archives.items():
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            ward = Path(place) / "ward"
            write_long(ward, lengths, scratch, hour_s)
            told[name] = night("first", str(ward), str(Path(place) / "lake"))
    return told


def long_record(hours: int, told: dict[str, Told]) -> Report:
    """Set a long record against short ones."""
    rows = [
        [
            f"one of {hours} h" if name == "long" else name,
            _signal_hours(one),
            one["parts"]["ingest"]["seconds"],
            one["parts"]["ingest"]["cpu_seconds"],
            _throughput(one),
            one["parts"]["ingest"]["peak_mib"],
        ]
        for name, one in told.items()
    ]
    header = ["records", "signal-hours", "seconds", "CPU s", "signal-h/CPU s", "MiB at peak"]
    peaks = {name: one["parts"]["ingest"]["peak_mib"] for name, one in told.items()}
    bars = [
        at_most(
            f"MiB more in {hours} h than in 1 h", peaks["long"] - peaks["one of 1 h"], MORE_MIB
        ),
        at_least(
            f"throughput in {hours} h over that of many short records",
            _throughput(told["long"]) / _throughput(told["many of 1 h"]),
            AS_FAST,
        ),
    ]
    note = "ECG, PPG and ABP at 250 Hz from local disk, in one process without Ray"
    return Report("One long record", header, rows, bars, note)


def _signal_hours(told: Told) -> float:
    return float(told["signal_s"]) / 3600


def _throughput(told: Told) -> float:
    return _signal_hours(told) / float(told["parts"]["ingest"]["cpu_seconds"])
