"""Which synthetic signals are shown: some of every kind, the same ones for the same lake."""

import hashlib
from itertools import zip_longest
from typing import Any, Final

import polars as pl

STRATUM: Final = ["task", "modality", "calibration", "grade"]
WINDOW: Final = ["dataset", "record_id", "window_index"]
KEY: Final = [*WINDOW, "modality", "task", "model_id"]
MOST_STRIPS: Final = 18
"""Each takes about 20 kB of the page."""

_GROUP: Final = [*STRATUM, "dataset", "record_id", "model_id"]


def sample_strips(backfill: pl.LazyFrame, most: int = MOST_STRIPS) -> pl.DataFrame:
    """Choose the keys of signals to show; the strata's first ones, then their second, and so on.

    A hash of names chooses a stratum's records, and a window of each. No signal is read.
    """
    made = backfill.filter(pl.col("grade") != "absent").select(*STRATUM, *_rest())
    groups = made.select(_GROUP).unique().collect(engine="streaming")
    chosen = pl.DataFrame(_in_turn(groups, most), schema=groups.schema, orient="row")
    some = made.filter(pl.col("record_id").is_in(chosen["record_id"].unique().implode()))
    windows = some.join(chosen.lazy(), on=_GROUP, how="semi", nulls_equal=True).collect()
    picked = windows.with_columns(_hashes(windows, KEY)).sort("hash")
    first = picked.unique(_GROUP, keep="first", maintain_order=True)
    return first.sort(*STRATUM, "hash").select(KEY)


def read_keys(rows: pl.LazyFrame, keys: pl.DataFrame) -> list[dict[str, Any]]:
    """Read the rows of ``keys`` alone, whole."""
    bounds = [
        pl.col(c).is_in(keys[c].unique().implode())
        for c in ("record_id", "window_index")
        if c in keys.columns
    ]
    found = rows.filter(*bounds).join(keys.lazy().unique(), on=keys.columns, how="semi").collect()
    return found.to_dicts()


def _rest() -> list[str]:
    return [name for name in KEY if name not in STRATUM]


def _in_turn(groups: pl.DataFrame, most: int) -> list[tuple[Any, ...]]:
    """Take one of each stratum, by the order of their hashes, until there are enough."""
    ordered = groups.with_columns(_hashes(groups, _GROUP)).sort(*STRATUM, "hash").drop("hash")
    strata = [part.rows() for part in ordered.partition_by(STRATUM, maintain_order=True)]
    return [row for turn in zip_longest(*strata) for row in turn if row is not None][:most]


def _hashes(rows: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Hash rows by SHA-256, since that of polars changes with its version."""
    told = ("\n".join(map(str, row)).encode() for row in rows.select(columns).iter_rows())
    return pl.Series("hash", [hashlib.sha256(text).hexdigest() for text in told], dtype=pl.String)
