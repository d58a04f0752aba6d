"""Small archives of real records for the ingest benchmark, laid out in a scratch folder."""

import shutil
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import wfdb

CINC: Final = "cinc2015/training"
MIMIC: Final = "mimic4wdb/waves/p100/p10020306/83404654"
MIMIC_SEGMENT: Final = "83404654_0006"
"""20 min of one bedside with all three modalities: FLAC, ECG at 249.89 Hz, the others at half."""
LEADS: Final = {"II": "mV", "PLETH": "NU", "ABP": "mmHg"}
FS: Final = 250
HOUR: Final = 3600 * FS


def good_records(wfdb_folder: Path) -> list[str]:
    """Name the records of cinc2015 whose signals are all good; each is tri-modal at 250 Hz."""
    index = pl.read_csv(wfdb_folder / "cinc2015" / "index.csv")
    return index.filter("good")["rec"].to_list()


def lay_out(wfdb_folder: Path, records: int, scratch: Path) -> dict[str, Path]:
    """Lay out the archives by name; ``warm-up`` holds a record that no other archive holds."""
    good = good_records(wfdb_folder)
    taken, spare = good[:records], good[records]
    archives = {name: scratch / name for name in ("warm-up", "short", "hour", "mimic4")}
    for folder in archives.values():
        folder.mkdir()
    _copy(wfdb_folder / CINC, [spare], archives["warm-up"])
    _copy(wfdb_folder / CINC, taken, archives["short"])
    _copy(wfdb_folder / MIMIC, [MIMIC_SEGMENT], archives["mimic4"])
    _write_hour(wfdb_folder / CINC, good, archives["hour"])
    return archives


def _copy(source: Path, records: list[str], to: Path) -> None:
    for record in records:
        for file in sorted(source.glob(f"{record}*")):
            shutil.copyfile(file, to / file.name)
    (to / "RECORDS").write_text("".join(f"{record}\n" for record in records))


def _write_hour(source: Path, records: list[str], to: Path) -> None:
    """Put records end to end into one tri-modal record of an hour."""
    parts, samples = [], 0
    for name in records:
        record = wfdb.rdrecord(str(source / name), channel_names=list(LEADS))
        order = [record.sig_name.index(lead) for lead in LEADS if lead in record.sig_name]
        if len(order) == len(LEADS) and samples < HOUR:
            parts.append(record.p_signal[:, order])
            samples += len(record.p_signal)
    signals = np.concatenate(parts)[:HOUR]
    wfdb.wrsamp(
        "hour",
        FS,
        list(LEADS.values()),
        list(LEADS),
        p_signal=signals,
        fmt=["16"] * len(LEADS),
        write_dir=str(to),
    )
    (to / "RECORDS").write_text("hour\n")
