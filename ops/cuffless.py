"""The UCI cuff-less set (Kachuee et al. 2015, doi 10.24432/C5B602) as arrays on the grid.

Parquet files with a row a record (``record``, ``block``, and ``ppg``, ``abp``, ``ecg`` as lists of
Int16), and beside them ``records.csv`` with each record's ``group``, all that may be one patient,
and the records that it ``overlaps`` with. Where that file is not there, a block is a group.

Shapes: M = 3 modalities in the order of ``MODALITIES``, T samples of a record at 125 Hz.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.split import Split, split_of
from schemas.modality import MODALITIES, Modality

RECORDS: Final = "records.csv"

SCALES: Final[dict[Modality, float]] = {"ecg": 0.002, "ppg": 1 / 1023, "abp": 0.05}
"""What a count is worth: mV, NU, mmHg."""

LICENCE: Final = "CC BY 4.0"
ATTRIBUTION: Final = (
    "Derived from 'Cuff-Less Blood Pressure Estimation', M. Kachuee, M. Kiani, H. Mohammadzade, "
    "M. Shabany, UCI Machine Learning Repository, 2015, doi 10.24432/C5B602, CC BY 4.0."
)


@dataclass(frozen=True)
class CufflessRecord:
    """One record.

    Attributes:
        name: as in the set.
        group: what may be one patient.
        counts: (M, T) Int16; physical value = count * scale of ``SCALES``.
    """

    name: str
    group: str
    counts: NDArray[np.int16]


def read_records(paths: Sequence[Path], split: Split) -> list[CufflessRecord]:
    """Read the records of a split; of those that repeat each other's samples, the first.

    Raises:
        OSError: where a file can't be read.
        ValueError: where one has not the set's columns.
    """
    told = {path.parent: _groups(path.parent) for path in paths}
    return [record for path in paths for record in _read(path, told[path.parent], split)]


def counted_once(folder: Path) -> dict[str, str]:
    """Give the group of each record of ``records.csv``; of records that repeat samples, the first.

    Raises:
        FileNotFoundError: where the file is not there.
    """
    group_of: dict[str, str] = {}
    rows = pl.read_csv(
        folder / RECORDS, columns=["record", "group", "overlaps"], infer_schema=False
    )
    for record, group, overlaps in rows.select("record", "group", "overlaps").rows():
        if not group_of.keys() & set((overlaps or "").replace(";", " ").replace(",", " ").split()):
            group_of[record] = group
    return group_of


def groups_of(paths: Sequence[Path], split: Split) -> list[str]:
    """List the groups of a split, by name, of the records that count."""
    found: set[str] = set()
    for path in paths:
        given = _of_split(path, _groups(path.parent), split)
        found |= set(given.values())
    return sorted(found)


def physical(counts: NDArray[np.int16]) -> NDArray[np.float32]:
    """Turn (..., M, T) counts into mV, NU and mmHg."""
    scales = np.array([SCALES[m] for m in MODALITIES], np.float32)
    return counts * scales[:, None]


def _groups(folder: Path) -> dict[str, str] | None:
    return counted_once(folder) if (folder / RECORDS).is_file() else None


def _read(path: Path, groups: dict[str, str] | None, split: Split) -> list[CufflessRecord]:
    schema = pl.read_parquet_schema(path)
    lacking = {"record", "block", *MODALITIES} - schema.keys()
    if lacking:
        message = f"{path} has no column {', '.join(sorted(lacking))}: it is not of the set's form"
        raise ValueError(message)
    given = _of_split(path, groups, split)
    rows = pl.scan_parquet(path).filter(pl.col("record").is_in(list(given))).collect()
    return [
        CufflessRecord(row["record"], given[row["record"]], _counts(rows, i))
        for i, row in enumerate(rows.select("record").iter_rows(named=True))
    ]


def _of_split(path: Path, groups: dict[str, str] | None, split: Split) -> dict[str, str]:
    """Give the group of each of a file's records that are in a split and count."""
    names = pl.read_parquet(path, columns=["record", "block"])
    given = dict(names.iter_rows()) if groups is None else groups
    return {n: given[n] for n in names["record"] if n in given and split_of(given[n]) == split}


def _counts(rows: pl.DataFrame, i: int) -> NDArray[np.int16]:
    return np.stack([rows[m][i].to_numpy() for m in MODALITIES]).astype(np.int16)
