"""Which windows of a lake a training set holds: whose, with which signals, and where they lie."""

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Final

import polars as pl

from ops.lake import Lake
from ops.split import SPLITS, Split, split_of
from pulselake.places import Places, TableFiles
from pulselake.reader import RowReader
from pulselake.training import WindowDataset
from pulselake.units import windows_in_units
from schemas.modality import MODALITIES, UNITS, Modality

_KEY: Final = ["dataset", "record_id", "window_index"]
_TOLD: Final = ["record_id", "window_index", "subject_id"]


def window_dataset(
    lake: Lake,
    *,
    split: Split,
    modalities: Sequence[Modality],
    where: pl.Expr | None,
    dataset: str,
    seed: int,
    shares: Mapping[Split, float],
    synthetic: str,
) -> WindowDataset:
    """Find the windows of a split, in the order of their keys; see ``Lake.dataset``."""
    _see(split, modalities, shares)
    files = TableFiles.of(lake, "windows", dataset)
    rows = windows_in_units(files.scan(lake))
    rows = _of_split(rows if where is None else _filtered(rows, where), split, seed, shares)
    there = [pl.col(f"{m}_unit") == UNITS[m] for m in modalities]
    made_files = TableFiles.of(lake, "backfill", dataset) if synthetic else None
    if made_files is not None:
        rows = _with_made(rows, made_files.scan(lake), synthetic, modalities)
        there += [pl.col(f"{m}_file").is_not_null() for m in modalities]
    kept = rows.filter(pl.any_horizontal(there))
    found = kept.select(*_KEY, pl.selectors.matches("file$|row$")).collect().sort(_KEY)
    signals = [f"{m}{part}" for m in modalities for part in ("", "_scale", "_zero", "_unit")]
    windows = RowReader(lake.location, files, [*_TOLD, *signals])
    if made_files is None:
        return WindowDataset(modalities, Places.of(found), windows)
    made = RowReader(lake.location, made_files, ["samples", "scale", "zero"])
    return WindowDataset(
        modalities,
        Places.of(found),
        windows,
        {m: Places.of(found, f"{m}_") for m in modalities},
        made,
    )


def _of_split(
    rows: pl.LazyFrame, split: Split, seed: int, shares: Mapping[Split, float]
) -> pl.LazyFrame:
    """Keep the windows of the split's subjects, with their keys, places and units.

    A subject goes by its name alone, so that one who is in two datasets is on one side.
    """
    subjects = rows.select("subject_id").unique().collect()["subject_id"]
    own = [s for s in subjects if split_of(f"{seed}/{s}" if seed else s, shares) == split]
    kept = rows.filter(pl.col("subject_id").is_in(own))
    units = [f"{m}_unit" for m in MODALITIES]
    return kept.select(*_KEY, "input_sha256", "file", "row", *units)


def _with_made(
    rows: pl.LazyFrame, backfill: pl.LazyFrame, model_id: str, modalities: Sequence[Modality]
) -> pl.LazyFrame:
    """Add where the signals lie that a model made of a window, as it is, for want of a fit one."""
    sealed = [*_KEY, "input_sha256"]
    made = backfill.filter(
        pl.col("model_id") == model_id,
        pl.col("task") == "translate",
        pl.col("abstained").is_null(),
    )
    if made.head(1).select("model_id").collect().is_empty():
        message = f"no model {model_id!r} has translated a signal in this lake"
        raise ValueError(message)
    for m in modalities:
        own = made.filter(pl.col("modality") == m, pl.col("unit") == UNITS[m])
        places = own.select(*sealed, pl.col("file", "row").name.prefix(f"{m}_"))
        rows = rows.join(places, on=sealed, how="left")
    return rows


def _filtered(rows: pl.LazyFrame, where: pl.Expr) -> pl.LazyFrame:
    unknown = sorted(set(where.meta.root_names()) - set(rows.collect_schema()))
    if unknown:
        message = f"where asks for {unknown}, which windows don't have"
        raise ValueError(message)
    return rows.filter(where)


def _see(split: Split, modalities: Sequence[Modality], shares: Mapping[Split, float]) -> None:
    """Check what can't be left to the types.

    Raises:
        ValueError: naming the argument, what was expected and what was got.
    """
    if not modalities or not set(modalities) <= set(MODALITIES):
        message = f"modalities are some of {MODALITIES}, got {modalities!r}"
        raise ValueError(message)
    total = sum(shares.values())
    if not set(shares) <= set(SPLITS) or min(shares.values(), default=0) < 0:
        message = f"shares are those of some of {SPLITS}, none below 0, got {dict(shares)}"
        raise ValueError(message)
    if not isclose(total, 1, abs_tol=1e-9):
        message = f"shares add up to 1, got {total:g} from {dict(shares)}"
        raise ValueError(message)
    if split not in shares:
        message = f"split is one of {list(shares)}, got {split!r}"
        raise ValueError(message)
