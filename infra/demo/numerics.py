"""Monitor numerics in MIMIC-IV's form: ``…n.csv.gz``, one row a tick, one column a name."""

import gzip
from pathlib import Path
from typing import Final

import numpy as np

from infra.demo.simulate import Patient, Strip

TICKS_HZ: Final = 999.56
"""Rate of the counter that times the rows."""

COLUMNS: Final = (
    "HR [bpm]",
    "NBPd [mmHg]",
    "NBPm [mmHg]",
    "NBPs [mmHg]",
    "Pulse (SpO2) [bpm]",
    "RR [rpm]",
    "SpO2 [%]",
)
CUFF_EVERY_S: Final = 60.0
Row = dict[str, str]


def write_numerics(path: Path, patient: Patient, strip: Strip) -> None:
    """Write what a monitor would show: rates each 2 s, a cuff each minute.

    As monitors do, it repeats the last cuff value for a while, shows a zero where the finger
    sensor has lost the pulse, and sends one row twice.
    """
    rng = np.random.default_rng([patient.seed, 0xCFF])
    rows = _rates(patient, strip, rng)
    for tick, row in _cuff(strip, rng):
        rows.setdefault(tick, {}).update(row)
    ticks = sorted(rows)
    lines = [_line(tick, rows[tick]) for tick in ticks]
    lines.insert(len(lines) // 2, lines[len(lines) // 2])
    header = ",".join(f'"{name}"' for name in ("time", *COLUMNS))
    text = "\n".join([header, *lines]) + "\n"
    path.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))


def _rates(patient: Patient, strip: Strip, rng: np.random.Generator) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for at in np.arange(2.0, strip.beat_times[-1], 2.0):
        recent = strip.beat_times[np.abs(strip.beat_times - at) < 5]
        rate = 60 / float(np.diff(recent).mean())
        rows[round(at * TICKS_HZ)] = {
            "HR [bpm]": f"{rate:.0f}",
            "Pulse (SpO2) [bpm]": f"{0 if 30 <= at < 36 else rate + rng.normal(0, 0.4):.0f}",
            "RR [rpm]": f"{patient.respiration_rate + rng.normal(0, 0.5):.0f}",
            "SpO2 [%]": f"{0 if 30 <= at < 36 else np.clip(rng.normal(97, 0.5), 90, 100):.1f}",
        }
    return rows


def _cuff(strip: Strip, rng: np.random.Generator) -> list[tuple[int, Row]]:
    """A cuff value at each measurement, and again 4 and 8 s later."""
    cuff: list[tuple[int, Row]] = []
    for at in np.arange(20.0, strip.beat_times[-1] - 8, CUFF_EVERY_S):
        near = np.abs(strip.beat_times - at) < 15
        sbp = float(strip.sbp[near].mean() + rng.normal(0, 4))
        dbp = float(strip.dbp[near].mean() + rng.normal(0, 3))
        row = {
            "NBPd [mmHg]": f"{dbp:.0f}",
            "NBPm [mmHg]": f"{dbp + (sbp - dbp) / 3:.0f}",
            "NBPs [mmHg]": f"{sbp:.0f}",
        }
        cuff += [(round((at + again) * TICKS_HZ), row) for again in (0, 4, 8)]
    return cuff


def _line(tick: int, row: Row) -> str:
    return ",".join([str(tick), *(row.get(name, "") for name in COLUMNS)])
