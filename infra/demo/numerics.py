"""Monitor numerics in MIMIC-IV's form: ``…n.csv.gz``, one row a tick, one column a name."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
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
SHOWN_EVERY_S: Final = 4
Row = dict[str, str]


@dataclass(frozen=True)
class Cuff:
    """One measurement of a cuff, in mmHg, and for how many seconds it is shown again."""

    taken_s: float
    sbp: float
    dbp: float
    map: float
    shown_s: int = 8


def write_numerics(
    path: Path, patient: Patient, strip: Strip, cuffs: Sequence[Cuff] | None = None
) -> None:
    """Write what a monitor would show: rates each 2 s, and ``cuffs``, by default one each minute.

    As monitors do, it repeats the last cuff value for a while, shows a zero where the finger
    sensor has lost the pulse, and sends one row twice.
    """
    rng = np.random.default_rng([patient.seed, 0xCFF])
    rows = _rates(patient, strip, rng)
    for cuff in measured(strip, rng, CUFF_EVERY_S) if cuffs is None else cuffs:
        for after in range(0, cuff.shown_s + 1, SHOWN_EVERY_S):
            rows.setdefault(round((cuff.taken_s + after) * TICKS_HZ), {}).update(_shown(cuff))
    ticks = sorted(rows)
    lines = [_line(tick, rows[tick]) for tick in ticks]
    lines.insert(len(lines) // 2, lines[len(lines) // 2])
    header = ",".join(f'"{name}"' for name in ("time", *COLUMNS))
    text = "\n".join([header, *lines]) + "\n"
    path.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))


def measured(strip: Strip, rng: np.random.Generator, every_s: float) -> list[Cuff]:
    """Measure a strip by a cuff, which has its own error; the mean is a third of the pulse."""
    cuffs = []
    for at in np.arange(20.0, strip.beat_times[-1] - 8, every_s):
        near = np.abs(strip.beat_times - at) < 15
        sbp = float(strip.sbp[near].mean() + rng.normal(0, 4))
        dbp = float(strip.dbp[near].mean() + rng.normal(0, 3))
        cuffs.append(Cuff(float(at), sbp, dbp, dbp + (sbp - dbp) / 3))
    return cuffs


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


def _shown(cuff: Cuff) -> Row:
    return {
        "NBPd [mmHg]": f"{cuff.dbp:.0f}",
        "NBPm [mmHg]": f"{cuff.map:.0f}",
        "NBPs [mmHg]": f"{cuff.sbp:.0f}",
    }


def _line(tick: int, row: Row) -> str:
    return ",".join([str(tick), *(row.get(name, "") for name in COLUMNS)])
