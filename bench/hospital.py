"""What a day of a large hospital makes, and what its night costs: ``python -m bench.hospital``.

Nothing is measured here. Figures come from what ``bench.ingest``, ``bench.night`` and
``bench.scale`` wrote; the rest is arithmetic on what the hospital is taken to be. Prints the table
of ``docs/scale.md``, which a test holds to it.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any, Final

from bench.child import ROOT

WINDOW_S: Final = 4.0
DAY_S: Final = 86_400.0
SHARD_WINDOWS: Final = 256
CORES: Final = 16
WINDOWS_A_SHORT_RECORD: Final = 23 / 8
"""Of the archives of ``bench.scale``: one of eight records has two windows, the others three."""


@dataclass(frozen=True)
class Hospital:
    """A hospital as it is taken to be: monitored beds, one record a bed and day, all signals on.

    ``lines`` is the share of beds with an arterial line.
    """

    beds: int = 1000
    ecg_fs: float = 250.0
    other_fs: float = 125.0
    lines: float = 0.2

    @property
    def windows(self) -> float:
        """Windows a day."""
        return self.beds * DAY_S / WINDOW_S

    @property
    def raw_bytes(self) -> float:
        """Bytes of 16-bit samples a day."""
        a_second = 2 * (self.ecg_fs + self.other_fs * (1 + self.lines))
        return self.beds * DAY_S * a_second

    @property
    def tri_modal_hours(self) -> float:
        """Signal-hours a day, in hours of three signals."""
        return self.beds * 24 * (2 + self.lines) / 3


@dataclass(frozen=True)
class Measured:
    """Figures of the benchmarks: seconds and milliseconds are of one core."""

    cpu_s_a_tri_modal_hour: float
    signals_a_core_second: float
    ms_beside_the_device: float
    kb_a_window: float
    kb_a_signal: float
    idle_us_a_window: float


def measured() -> Measured:
    """Read what the benchmarks wrote."""
    ingest, night, scale = (_result(name) for name in ("ingest", "night", "scale"))
    times = [b["value"] for b in ingest["bars"] if b["name"].startswith("times real time")]
    did = dict(_table(night, "What it did")["rows"])
    beside = dict(_table(night, "A synthetic signal")["rows"])
    idle = _table(scale, "nightly over")
    n_idle = int(idle["title"].split()[2]) * WINDOWS_A_SHORT_RECORD
    return Measured(
        cpu_s_a_tri_modal_hour=3600 / min(times),
        signals_a_core_second=did["synthetic signals a second"] / night["cores"],
        ms_beside_the_device=beside["ms beside it"],
        kb_a_window=did["kB a window in the lake"],
        kb_a_signal=did["kB a synthetic signal in the lake"],
        idle_us_a_window=1e6 * dict(idle["rows"])["plan backfill"] / n_idle,
    )


def table(hospital: Hospital, figures: Measured) -> str:
    """Tell what a day makes and what its night costs, as a Markdown table."""
    read_h = hospital.tri_modal_hours * figures.cpu_s_a_tri_modal_hour / 3600
    filled = hospital.windows * (1 - hospital.lines)
    fill_h = filled / figures.signals_a_core_second / 3600
    beside_h = filled * figures.ms_beside_the_device / 3.6e6
    lake = 1000 * (hospital.windows * figures.kb_a_window + filled * figures.kb_a_signal)
    look_s = hospital.windows * figures.idle_us_a_window / 1e6
    rows = [
        ("records a day", f"{hospital.beds:,}"),
        ("windows of 4 s a day", f"{hospital.windows / 1e6:.1f} million"),
        ("shards a day", f"{hospital.windows / SHARD_WINDOWS:,.0f}"),
        ("samples as monitors store them (16 bits)", f"{hospital.raw_bytes / 1e9:.0f} GB a day"),
        ("the lake grows by", f"{lake / 1e9:.0f} GB a day"),
        ("reading and grading", f"{read_h:.1f} core-hours"),
        ("filling, on cores alone: an ABP where there is no line", f"{fill_h:.0f} core-hours"),
        *(
            (
                f"a night on {_nodes(n)} of {CORES} cores, without a GPU",
                f"{60 * (read_h + fill_h) / (n * CORES):.0f} minutes",
            )
            for n in (1, 8)
        ),
        (
            "what filling takes of cores beside a GPU: reading, encoding, writing",
            f"{beside_h:.1f} core-hours",
        ),
        *(
            (
                f"reading, and that, on {_nodes(n)} of {CORES} cores with a GPU fast enough",
                f"{60 * (read_h + beside_h) / (n * CORES):.0f} minutes",
            )
            for n in (1, 8)
        ),
        *(
            (
                f"seeing that a {span} has nothing to fill",
                f"{days * look_s / 60:.0f} minutes",
            )
            for span, days in (("week", 7), ("month", 30), ("year", 365))
        ),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {what} | {much} |" for what, much in rows)])


def main() -> int:
    """Print the table."""
    print(table(Hospital(), measured()))
    return 0


def _nodes(n: int) -> str:
    return "one node" if n == 1 else f"{n} nodes"


def _result(name: str) -> dict[str, Any]:
    path = ROOT / "bench" / "results" / f"{name}.json"
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def _table(result: dict[str, Any], title: str) -> dict[str, Any]:
    table: dict[str, Any] = next(t for t in result["tables"] if t["title"].startswith(title))
    return table


if __name__ == "__main__":
    sys.exit(main())
