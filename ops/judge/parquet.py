"""Timelines from Parquet files of the data set's form.

Columns ``record``, ``block`` and ``ppg``, ``abp``, ``ecg`` as List<Int16> at 125 Hz; a file
``records.csv`` beside them gives each record's ``group`` and the records it ``overlaps`` with.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from ops.cuffless import RECORDS, SCALES, counted_once
from ops.judge.timeline import Piece, Timeline, timeline_of
from ops.splices import splices
from ops.split import Split, split_of
from schemas.grid import WINDOW_SAMPLES
from schemas.modality import MODALITIES, UNITS, Modality
from schemas.restoration import F32


def parquet_files(paths: Sequence[Path]) -> list[Path]:
    """List the files that ``paths``, files or folders, stand for.

    Raises:
        ValueError: where one of them is not there or holds none.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not inside or not inside[0].is_file():
            message = f"data {path} holds no Parquet file"
            raise ValueError(message)
        found += inside
    return found


def read_timelines(
    paths: Sequence[Path], split: Split, most: int | None = None
) -> Iterator[Timeline]:
    """Read the groups of a split, one after the other, each up to its first ``most`` windows.

    Without ``records.csv`` a group is a block, and every record counts.
    """
    records = pl.concat([_records(file, split) for file in parquet_files(paths)])
    for (group,), rows in records.group_by("group", maintain_order=True):
        pieces = _pieces(rows, most)
        if pieces:
            yield timeline_of(str(group), pieces)


def _records(file: Path, split: Split) -> pl.DataFrame:
    """Read the records of a file that are in a split and count, with their group."""
    keys = pl.read_parquet(file, columns=["record", "block"]).rename({"block": "group"})
    if (file.parent / RECORDS).is_file():
        once = counted_once(file.parent)
        keys = keys.filter(pl.col("record").is_in(list(once)))
        keys = keys.with_columns(pl.col("record").replace(once).alias("group"))
    wanted = keys.filter(
        pl.Series([split_of(group) == split for group in keys["group"]], dtype=pl.Boolean)
    )
    found = pl.scan_parquet(file).filter(pl.col("record").is_in(wanted["record"].implode()))
    return wanted.join(
        found.select("record", *MODALITIES).collect(), on="record", maintain_order="left"
    )


def _pieces(rows: pl.DataFrame, most: int | None) -> list[Piece]:
    lengths = np.array([rows[m].list.len().to_numpy() for m in MODALITIES]).min(axis=0)
    sizes = lengths.astype(np.int64) // WINDOW_SAMPLES
    if most is not None:
        sizes = np.clip(most - (np.cumsum(sizes) - sizes), 0, sizes)
    return [piece for i, n in enumerate(sizes) if n for piece in _of_record(rows[i], int(n))]


def _of_record(row: pl.DataFrame, n: int) -> list[Piece]:
    """Cut the first ``n`` windows of a record wherever it is spliced."""
    signals: dict[Modality, F32] = {
        m: row[m][0].to_numpy()[: n * WINDOW_SAMPLES].astype(np.float32) * np.float32(SCALES[m])
        for m in MODALITIES
    }
    ends = [0, *(splices(signals.values()) // WINDOW_SAMPLES).tolist(), n]
    return [_piece(row["record"][0], signals, first, stop) for first, stop in pairwise(ends)]


def _piece(record: str, signals: dict[Modality, F32], first: int, stop: int) -> Piece:
    within = slice(first * WINDOW_SAMPLES, stop * WINDOW_SAMPLES)
    return Piece(
        record=record,
        first=first,
        signals={m: x[within] for m, x in signals.items()},
        steps={m: np.full(stop - first, SCALES[m], np.float32) for m in MODALITIES},
        units={m: [UNITS[m]] * (stop - first) for m in MODALITIES},
    )
