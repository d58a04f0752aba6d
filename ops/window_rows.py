"""Blocks of physical windows as graded rows of the ``windows`` table."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.encode import Encoded, decode_counts, encode
from ops.grade import GRADER_VERSION, grade_windows
from ops.read_record import WindowBlock
from schemas.grid import WINDOW_S, WINDOW_SAMPLES
from schemas.modality import MODALITIES, Modality
from schemas.windows import Window


def window_rows(
    block: WindowBlock,
    *,
    dataset: str,
    record_id: str,
    subject_id: str,
    start_time: datetime | None,
    run_id: str,
) -> pl.DataFrame:
    """Grade and encode a block; give its rows by the ``Window`` schema.

    Grades are those of the stored counts, so that grading a lake again gives the same.
    """
    stored = {m: encode(block.signals[m], block.steps[m], block.exact[m]) for m in MODALITIES}
    signals = {m: decode_counts(e.counts, e.scale, e.zero) for m, e in stored.items()}
    steps = {m: np.fmax(e.scale, block.steps[m]) for m, e in stored.items()}
    grades = grade_windows(signals, block.units, steps)
    start_s = [WINDOW_S * int(i) for i in block.window_index]
    rows = pl.DataFrame(
        {
            "dataset": pl.repeat(dataset, len(start_s), eager=True),
            "record_id": pl.repeat(record_id, len(start_s), eager=True),
            "window_index": block.window_index,
            "subject_id": pl.repeat(subject_id, len(start_s), eager=True),
            "start_s": start_s,
            "start_time": _clock(start_time, start_s),
        }
    )
    for m in MODALITIES:
        rows = rows.hstack(_signal_columns(m, stored[m], block.units[m], block.leads[m]))
    rows = rows.hstack(grades.get_columns()).with_columns(
        grader_version=pl.lit(GRADER_VERSION),
        input_sha256=pl.Series(_hashes(stored, block.units, grades)),
        run_id=pl.lit(run_id),
    )
    return Window.cast(rows.select(Window.column_names()))


def signal_list(counts: NDArray[np.int16], present: NDArray[np.bool_]) -> pl.Series:
    """Give (n, 500) counts as List(Int16), null where a window is not ``present``."""
    lists = pl.Series(counts, dtype=pl.Array(pl.Int16, WINDOW_SAMPLES)).cast(pl.List(pl.Int16))
    return pl.select(pl.when(pl.Series(present)).then(lists)).to_series()


def _signal_columns(
    m: Modality, stored: Encoded, units: Sequence[str | None], leads: Sequence[str | None]
) -> list[pl.Series]:
    present = np.isfinite(stored.scale)
    return [
        signal_list(stored.counts, present).alias(m),
        pl.Series(f"{m}_scale", stored.scale).fill_nan(None),
        pl.Series(f"{m}_zero", stored.zero).fill_nan(None),
        _told(f"{m}_unit", units, present),
        _told(f"{m}_lead", leads, present),
    ]


def _told(name: str, words: Sequence[str | None], present: NDArray[np.bool_]) -> pl.Series:
    told = [(word or "") if there else None for word, there in zip(words, present, strict=True)]
    return pl.Series(name, told, dtype=pl.String)


def _clock(start_time: datetime | None, start_s: Sequence[float]) -> pl.Series:
    """The header's clock at each window's start; null where it has no date."""
    times = [_later(start_time, s) if start_time else None for s in start_s]
    return pl.Series(times, dtype=pl.Datetime("us"))


def _later(start_time: datetime, seconds: float) -> datetime | None:
    """Add seconds; null past the year 9999, which no calendar reaches."""
    try:
        return start_time + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _hashes(
    stored: dict[Modality, Encoded], units: dict[Modality, list[str | None]], grades: pl.DataFrame
) -> list[str]:
    """Hash what a model reads of each window: signals, scales, units, grades and rates."""
    said = [repr(row).encode() for row in grades.rows()]
    hashes = [hashlib.sha256(text) for text in said]
    for m in MODALITIES:
        scales = np.stack([stored[m].scale, stored[m].zero], axis=1)
        for i, h in enumerate(hashes):
            h.update(stored[m].counts[i].tobytes())
            h.update(scales[i].tobytes())
            h.update((units[m][i] or "").encode())
    return [h.hexdigest() for h in hashes]
