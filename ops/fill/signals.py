"""Stored windows as physical signals, and what range they usually have."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.encode import decode_counts
from schemas.grid import MARGIN_SAMPLES, MISSING, SHARD_WINDOWS, WINDOW_SAMPLES
from schemas.modality import Modality
from schemas.restoration import F32


def physical(windows: pl.DataFrame, m: Modality) -> F32:
    """Give (n, 500) samples of a modality in its unit, NaN where missing or absent."""
    counts = stored_counts(windows[m])
    scale = windows[f"{m}_scale"].fill_null(np.nan).to_numpy()
    zero = windows[f"{m}_zero"].fill_null(np.nan).to_numpy()
    return decode_counts(counts, scale, zero)


def stored_counts(column: pl.Series) -> NDArray[np.int16]:
    """Give (n, 500) counts of a stored signal, ``MISSING`` throughout where it is null."""
    counts = np.full((len(column), WINDOW_SAMPLES), MISSING, np.int16)
    there = column.is_not_null().to_numpy()
    flat = column.drop_nulls().explode().to_numpy()
    counts[there] = flat.reshape(-1, WINDOW_SAMPLES)
    return counts


def beside(windows: pl.DataFrame, asked: pl.DataFrame, m: Modality, side: int) -> F32:
    """Give (n, 50) samples just before (``side`` -1) or after (1) n windows, in their unit.

    ``asked`` has the ``window_index``, ``{m}_unit`` and ``{m}_lead`` of n windows. NaN where the
    window there is missing, of another unit or lead, or neither good nor fair.
    """
    alike = [f"{m}_unit", f"{m}_lead"]
    wanted = asked.select(pl.col("window_index") + side, *alike)
    fit = windows.filter(pl.col(f"{m}_grade").is_in(["good", "fair"]))
    there = fit.select("window_index", *alike, m, f"{m}_scale", f"{m}_zero")
    on = ["window_index", *alike]
    found = wanted.join(there, on=on, how="left", nulls_equal=True, maintain_order="left")
    x = physical(found, m)
    return x[:, -MARGIN_SAMPLES:] if side < 0 else x[:, :MARGIN_SAMPLES]


def usual_ranges(windows: pl.DataFrame, asked: pl.DataFrame, m: Modality) -> F32:
    """Give the (n, 2) lowest and highest value that good windows nearby have in the middle.

    ``asked`` has the ``window_index``, ``{m}_unit`` and ``{m}_lead`` of n windows. Nearby is the
    same block of ``SHARD_WINDOWS`` by index, so that a window's range is its own whatever else is
    asked for; of other units and leads nothing is taken. NaN where none of them is good.
    """
    alike = ["block", f"{m}_unit", f"{m}_lead"]
    block = (pl.col("window_index") // SHARD_WINDOWS).alias("block")
    wanted = asked.select(block, *alike[1:])
    good = windows.filter(pl.col(f"{m}_grade") == "good", block.is_in(wanted["block"].implode()))
    x = physical(good, m)
    ends = good.select(
        block,
        *alike[1:],
        low=pl.Series(np.nanmin(x, axis=1)),
        high=pl.Series(np.nanmax(x, axis=1)),
    )
    middle = ends.group_by(alike).agg(pl.col("low", "high").median())
    found = wanted.join(middle, on=alike, how="left", nulls_equal=True, maintain_order="left")
    return found.select("low", "high").fill_null(np.nan).to_numpy().astype(np.float32)
