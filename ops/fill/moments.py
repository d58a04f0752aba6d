"""Readings of a batch, with the signals of their moments."""

import numpy as np
import polars as pl

from ops.fill.signals import physical
from schemas.modality import Modality
from schemas.restoration import F32, Cuff

SHOWN: tuple[Modality, ...] = ("ecg", "ppg")


def whole_moments(inputs: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    """Leave out windows whose reading is shown by a window that is gone or has changed."""
    there = moments.select(moment="window_index", moment_sha256="input_sha256").unique()
    alone = pl.col("moment").is_null()
    on = ["moment", "moment_sha256"]
    shown = inputs.filter(~alone).join(there, on=on, how="semi", maintain_order="left")
    return pl.concat([inputs.filter(alone), shown])


def cuff_of(inputs: pl.DataFrame, moments: pl.DataFrame) -> Cuff | None:
    """Give the readings of n windows; null where there is none for any.

    ``inputs`` are windows with the columns of ``ops.reference.choose.SCHEMA``, ``moments`` the
    windows that show readings.
    """
    if inputs["reference_age_s"].is_null().all():
        return None
    return Cuff(
        sbp=_floats(inputs["reference_sbp"]),
        dbp=_floats(inputs["reference_dbp"]),
        age_s=_floats(inputs["reference_age_s"]),
        signals={m: _shown(inputs, moments, m) for m in SHOWN},
    )


def _shown(inputs: pl.DataFrame, moments: pl.DataFrame, m: Modality) -> F32:
    """Give (n, 500) of a modality at each reading, NaN where unfit or of another unit or lead."""
    alike = [f"{m}_unit", f"{m}_lead"]
    fit = moments.unique("window_index").filter(pl.col(f"{m}_grade").is_in(["good", "fair"]))
    there = fit.select(*alike, m, f"{m}_scale", f"{m}_zero", moment="window_index")
    asked = inputs.select("moment", *alike)
    return physical(asked.join(there, on=["moment", *alike], how="left", maintain_order="left"), m)


def _floats(column: pl.Series) -> F32:
    return column.cast(pl.Float32).fill_null(np.nan).to_numpy()
