"""A small hospital's archive: twelve simulated subjects, each with something of its own.

Some lie as in the MIMIC-IV Waveform Database (``waves/p100/p10000101/80000101/80000101``), some
flat in a ward's folder; one ``RECORDS`` at the top lists them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from infra.demo.bedside import (
    Case,
    write_cuff,
    write_flac,
    write_gaps,
    write_motion,
    write_noisy,
    write_plain,
    write_segments,
    write_truncated,
)
from infra.demo.simulate import Patient


@dataclass(frozen=True)
class ArchiveRecord:
    """A record of the archive.

    Attributes:
        record_id: its path below the archive, without extension.
        subject_id: whose it is.
        story: what it is meant to show, in a few words.
        readable: false where its files are broken on purpose.
    """

    record_id: str
    subject_id: str
    story: str
    readable: bool = True


def write_archive(folder: Path, *, seed: int = 0, minutes: float = 3.0) -> list[ArchiveRecord]:
    """Write the whole archive; the same arguments give the same bytes.

    Args:
        folder: made where it is not there.
        seed: of all that varies from beat to beat and of the noise.
        minutes: of each record, at least 1.

    Raises:
        ValueError: where ``minutes`` is too short for the gaps and segments to fit.
    """
    if minutes < 1:
        message = f"minutes must be at least 1, got {minutes}"
        raise ValueError(message)
    records = []
    for index, case in enumerate(CASES):
        patient = replace(case.patient, seed=1000 * seed + index)
        case.write(folder, replace(case, patient=patient), 60 * minutes)
        records.append(ArchiveRecord(case.record_id, patient.subject_id, case.story, case.readable))
    _list_records(folder, [record.record_id for record in records])
    return records


def _list_records(folder: Path, record_ids: Sequence[str]) -> None:
    text = "".join(f"{record_id}\n" for record_id in record_ids)
    (folder / "RECORDS").write_text(text, encoding="ascii", newline="\n")


def _wave(number: int) -> str:
    return f"waves/p100/p10000{number}/80000{number}/80000{number}"


CASES: Final[tuple[Case, ...]] = (
    Case(
        Patient("10000101", 74, 122, 76, 15, 0.185),
        "clean, 250 Hz, dated",
        _wave(101),
        write_plain(250.0, "16", dated=True),
    ),
    Case(
        Patient("10000102", 88, 104, 62, 18, 0.205, ecg_gain=0.8),
        "clean, 125 Hz, format 212",
        "ward-a/a0102",
        write_plain(125.0, "212"),
    ),
    Case(
        Patient("10000103", 66, 158, 88, 12, 0.15, ectopy=0.05),
        "high pressure, ectopic beats",
        "ward-a/a0103",
        write_plain(250.0, "16", dated=True),
    ),
    Case(
        Patient("10000104", 92, 116, 70, 20, 0.19, rhythm="af"),
        "atrial fibrillation, format 212",
        "ward-a/a0104",
        write_plain(250.0, "212", dated=True),
    ),
    Case(
        Patient("10000105", 70, 128, 78, 14, 0.18),
        "no arterial line, 250 Hz",
        "ward-b/b0105",
        write_plain(250.0, "16", abp=False),
    ),
    Case(
        Patient("10000106", 96, 112, 68, 22, 0.19, ppg_amplitude=0.35),
        "no arterial line, the finger moves",
        "ward-b/b0106",
        write_motion,
    ),
    Case(
        Patient("10000107", 80, 136, 82, 16, 0.17),
        "no arterial line, cuff in numerics",
        _wave(107),
        write_cuff,
    ),
    Case(
        Patient("10000108", 84, 118, 72, 17, 0.185),
        "ECG in noise",
        "ward-b/b0108",
        write_noisy,
    ),
    Case(
        Patient("10000109", 78, 126, 74, 15, 0.18),
        "gaps, a flush, a damped line",
        "ward-b/b0109",
        write_gaps,
    ),
    Case(
        Patient("10000110", 64, 142, 80, 13, 0.165),
        "multi-segment: gap, new gain, line out",
        _wave(110),
        write_segments,
    ),
    Case(
        Patient("10000111", 72, 110, 66, 16, 0.2),
        "FLAC, three rates",
        _wave(111),
        write_flac,
    ),
    Case(
        Patient("10000112", 76, 120, 75, 15, 0.18),
        "corrupt: signal file cut short",
        "ward-b/b0112",
        write_truncated,
        readable=False,
    ),
)
