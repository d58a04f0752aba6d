"""A simulated ward: patients whose pressure moves, most with an arterial line and with a cuff.

Of every forty, by their place: five have no line, of five it stops half-way, of five it begins
late; two lines are damped and two were never zeroed; three cuffs fail at times, three show their
last value for minutes, three are not there; four fingers move. The true pressures are not in the
archive: ``simulate`` gives them again, of the patient that ``write_ward`` tells.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import numpy as np

from infra.demo import artefacts
from infra.demo.artefacts import F32
from infra.demo.bedside import ADMITTED, monitor_signals, monitored
from infra.demo.numerics import TICKS_HZ, write_numerics
from infra.demo.simulate import Patient, Strip, draw_patient
from infra.demo.ward_course import CourseKind, on_course
from infra.demo.ward_cuffs import CuffKind, cuffs_of
from infra.demo.wfdb_write import Clock, write_record

Line = Literal["whole", "stops", "late", "none", "damped", "unzeroed"]

WARD_FS: Final = 125.0
MOST_SUBJECTS: Final = 10_000
UNZEROED_MMHG: Final = 55.0
"""What a transducer that was never zeroed adds."""

LATE: Final = 0.3
"""Share of the record before a line that begins late."""

_EIGHT: Final[dict[int, Line]] = {5: "stops", 6: "late", 7: "none"}
_FORTY: Final[dict[int, Line]] = {9: "unzeroed", 25: "unzeroed", 10: "damped", 26: "damped"}
_CUFFS: Final[dict[int, CuffKind]] = {
    **dict.fromkeys((4, 12, 20), "failing"),
    **dict.fromkeys((8, 16, 24), "repeated"),
    **dict.fromkeys((2, 18, 34), "none"),
}
_MOVING: Final = frozenset({3, 11, 19, 35})
_COURSES: Final[tuple[CourseKind, ...]] = ("drifts", "falls", "steady", "drifts", "steady")
CARE_UNITS: Final = ("micu", "sicu", "ccu", "csru", "tsicu")


@dataclass(frozen=True)
class WardRecord:
    """A subject of the ward and the record of the stay.

    Attributes:
        record_id: its path below the archive, without extension.
        patient: who, with the trend of pressure.
        course: how pressure goes.
        line: what the arterial line gives.
        cuff: what the cuff shows.
        moving: the finger moves for a third of the record.
        care_unit: where, as the header says.
        sex: ``F`` or ``M``, null where the header says ``?``.
        age_years: null where the header says ``??``.
        dated: the header has a clock.
    """

    record_id: str
    patient: Patient
    course: CourseKind
    line: Line
    cuff: CuffKind
    moving: bool
    care_unit: str
    sex: str | None
    age_years: int | None
    dated: bool

    @property
    def subject_id(self) -> str:
        """Whose it is."""
        return self.patient.subject_id


def write_ward(
    folder: Path,
    *,
    subjects: int = 40,
    seed: int = 0,
    minutes: float = 12.0,
    line_bias_mmhg: float = 0.0,
    cuff_every_s: float = 300.0,
) -> list[WardRecord]:
    """Write a ward's archive; the same arguments give the same bytes.

    Args:
        folder: made where it is not there.
        subjects: how many, one record each.
        seed: of all that differs from subject to subject; no two seeds share a patient.
        minutes: of each record, at least 1.
        line_bias_mmhg: what every transducer of the site adds; cuffs stay true.
        cuff_every_s: from one measurement to the next.

    Raises:
        ValueError: where ``subjects`` or ``minutes`` is out of bounds.
    """
    if not 1 <= subjects <= MOST_SUBJECTS or minutes < 1:
        message = (
            f"a ward has 1 to {MOST_SUBJECTS} subjects and at least 1 minute of each, "
            f"got {subjects} subjects and {minutes} minutes"
        )
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    records = [_draw(place, seed, 60 * minutes) for place in range(subjects)]
    for place, record in enumerate(records):
        strip = monitored(record.patient, 60 * minutes, WARD_FS)
        _write_signals(folder, place, record, strip, line_bias_mmhg)
        cuffs = cuffs_of(record.cuff, strip, record.patient.seed, cuff_every_s)
        write_numerics(folder / f"{record.record_id}n.csv.gz", record.patient, strip, cuffs)
    _list(folder, (record.record_id for record in records))
    return records


def _draw(place: int, seed: int, duration_s: float) -> WardRecord:
    number = MOST_SUBJECTS * seed + place
    rng = np.random.default_rng([number, 0x3A])
    patient = draw_patient(str(10_000_000 + number), number)
    course = _COURSES[place % len(_COURSES)]
    told = place % 13 != 12
    return WardRecord(
        record_id=f"w{place:04d}",
        patient=on_course(patient, course, duration_s),
        course=course,
        line=_FORTY.get(place % 40) or _EIGHT.get(place % 8, "whole"),
        cuff=_CUFFS.get(place % 40, "plain"),
        moving=place % 40 in _MOVING,
        care_unit=str(rng.choice(CARE_UNITS)),
        sex=str(rng.choice(["F", "M"])) if told else None,
        age_years=round(float(np.clip(rng.normal(64, 15), 18, 97))) if told else None,
        dated=place % 6 != 4,
    )


def _write_signals(
    folder: Path, place: int, record: WardRecord, strip: Strip, line_bias_mmhg: float
) -> None:
    abp = _line(record.line, strip.abp, line_bias_mmhg)
    ppg = _finger(record, strip.ppg)
    signals = monitor_signals(replace(strip, abp=abp, ppg=ppg), abp=record.line != "none")
    start = ADMITTED + timedelta(hours=7.3 * place) if record.dated else None
    write_record(
        folder, record.record_id, signals, Clock(WARD_FS, start, TICKS_HZ), _comments(record)
    )


def _line(line: Line, abp: F32, bias_mmhg: float) -> F32:
    length_s = len(abp) / WARD_FS
    read = (abp + bias_mmhg + (UNZEROED_MMHG if line == "unzeroed" else 0.0)).astype(np.float32)
    if line == "damped":
        return artefacts.damped(read, WARD_FS)
    if line == "stops":
        return artefacts.lost(read, WARD_FS, length_s / 2, length_s)
    return artefacts.lost(read, WARD_FS, 0.0, LATE * length_s) if line == "late" else read


def _finger(record: WardRecord, ppg: F32) -> F32:
    if not record.moving:
        return ppg
    rng = np.random.default_rng([record.patient.seed, 0xF1])
    moved = artefacts.ppg_motion(ppg, WARD_FS, rng, strength=4.0)
    length_s = len(ppg) / WARD_FS
    return artefacts.within(ppg, moved, WARD_FS, 0.4 * length_s, length_s / 3)


def _comments(record: WardRecord) -> list[str]:
    age = "??" if record.age_years is None else record.age_years
    return [
        f"subject_id {record.subject_id}",
        f"<age>: {age} <sex>: {record.sex or '?'}",
        f"Location: {record.care_unit}",
    ]


def _list(folder: Path, record_ids: Iterable[str]) -> None:
    text = "".join(f"{record_id}\n" for record_id in record_ids)
    (folder / "RECORDS").write_text(text, encoding="ascii", newline="\n")
