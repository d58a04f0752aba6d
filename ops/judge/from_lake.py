"""Timelines from the measured windows of a lake: a group is a subject."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from ops.fill.signals import physical
from ops.judge.timeline import Piece, Timeline, timeline_of
from ops.lake import Lake
from schemas.modality import MODALITIES

MOST_WINDOWS: Final = 900
"""Of one subject, an hour: the lake of an archive is larger than memory."""

_ORDER: Final = ["subject_id", "record_id", "window_index"]
_SIGNALS: Final = [f"{m}{part}" for m in MODALITIES for part in ("", "_scale", "_zero", "_unit")]


def lake_timelines(lake: Lake, dataset: str = "") -> Iterator[Timeline]:
    """Read each subject's first ``MOST_WINDOWS`` windows, one subject after the other.

    Raises:
        ValueError: where the lake has no window of the dataset.
    """
    windows = lake.scan("windows", dataset)
    keys = windows.select("dataset", *_ORDER).collect().sort(_ORDER)
    if keys.is_empty():
        message = f"lake {lake.url} has no windows of {dataset or 'any dataset'}"
        raise ValueError(message)
    first = keys.group_by("subject_id", maintain_order=True).head(MOST_WINDOWS)
    rows = windows.select("dataset", *_ORDER, *_SIGNALS)
    chosen = rows.join(first.lazy(), on=["dataset", *_ORDER], how="semi").collect().sort(_ORDER)
    for (subject,), own in chosen.group_by("subject_id", maintain_order=True):
        yield timeline_of(str(subject), _pieces(own))


def _pieces(rows: pl.DataFrame) -> list[Piece]:
    """Cut a subject's windows wherever one is not stored or a record ends."""
    follows = (pl.col("window_index") == pl.col("window_index").shift() + 1) & (
        pl.col("record_id") == pl.col("record_id").shift()
    )
    run = (~follows.fill_null(value=False)).cum_sum().alias("run")
    parts = rows.with_columns(run).partition_by("run", maintain_order=True)
    return [_piece(part) for part in parts]


def _piece(rows: pl.DataFrame) -> Piece:
    return Piece(
        record=rows["record_id"][0],
        first=rows["window_index"][0],
        signals={m: physical(rows, m).reshape(-1) for m in MODALITIES},
        steps={
            m: rows[f"{m}_scale"].fill_null(np.nan).to_numpy().astype(np.float32)
            for m in MODALITIES
        },
        units={m: rows[f"{m}_unit"].to_list() for m in MODALITIES},
    )
