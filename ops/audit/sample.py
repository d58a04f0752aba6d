"""Which windows of a good arterial line are audited, and by which reading each is filled.

Of each subject those of least hash, so that a sample stays as it is while an archive grows, and no
night audits again what one before it has. Each window is filled under one of the calibrations that
it can have, drawn by its hash: without a reading, by the cuff's that it would have had, or by the
line's own of some time before, as if the line had been taken out then.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ops.fill.rules import conditions_of
from ops.reference.choose import READING, calibrated, referred
from ops.reference.in_time import RECORD, beside_in_time
from schemas.restoration import Trained

LEAST_AGE_S: Final = 60.0
"""A line's reading of less ago would make any model look good."""

U64 = NDArray[np.uint64]


def audit_sample(
    windows: pl.LazyFrame,
    read: pl.DataFrame,
    trained: Trained,
    per_subject: int,
    most_age_s: float | None,
) -> pl.DataFrame:
    """List the windows to audit, at most ``per_subject`` of each subject, as a shard wants them.

    Args:
        windows: rows of ``windows`` that end within their record.
        read: the readings of their records, by cuff and line; a line's are the truth.
        trained: what the model was trained on: none of it is audited.
        per_subject: windows of one subject.
        most_age_s: how long ago a line's reading may be; null where the model goes by none.
    """
    truth = read.filter(pl.col("kind") == "line").select(*RECORD, window_index="moment")
    asked = windows.select(
        *RECORD,
        "window_index",
        "subject_id",
        "start_s",
        "input_sha256",
        modality=pl.lit("abp"),
        task=pl.lit("translate"),
        conditions=conditions_of("abp"),
    ).filter(pl.col("conditions").list.len() > 0, ~_seen(trained))
    fit = asked.join(truth.lazy(), on=[*RECORD, "window_index"], how="semi").collect()
    least = least_of_subjects(fit.with_columns(hash=_hashes(fit)), per_subject)
    if most_age_s is None or least.is_empty():
        return calibrated(least, read.clear(), 0.0)
    return pl.concat(list(_filled_by(least, read, most_age_s)))


def least_of_subjects(rows: pl.DataFrame, per_subject: int) -> pl.DataFrame:
    """Keep the rows of least ``hash`` of each subject."""
    ranked = rows.sort("hash", *RECORD, "window_index")
    return ranked.group_by("dataset", "subject_id", maintain_order=True).head(per_subject)


def _seen(trained: Trained) -> pl.Expr:
    """Say whether a window is one that the model, or its correction, was trained on."""
    anywhere = pl.lit(value=bool(trained.subjects))
    of_data = pl.col("dataset") == trained.data if trained.data else anywhere
    if not trained.subjects:
        return of_data
    return of_data & pl.col("subject_id").is_in(list(trained.subjects))


def _filled_by(rows: pl.DataFrame, read: pl.DataFrame, most_age_s: float) -> Iterator[pl.DataFrame]:
    """Give each window one of the calibrations that it can have."""
    cuffs = read.filter(pl.col("kind") == "cuff")
    by_cuff = calibrated(rows, cuffs, most_age_s)
    by_line = referred(_earlier_line(rows, read.filter(pl.col("kind") == "line"), most_age_s))
    can = np.stack(
        [
            np.ones(rows.height, np.bool_),
            (by_cuff["calibration"] == "cuff").to_numpy(),
            (by_line["calibration"] == "line").to_numpy(),
        ],
        axis=1,
    )
    drawn = _mixed(rows["hash"].to_numpy()) % can.sum(axis=1).astype(np.uint64)
    nth = np.cumsum(can, axis=1) - 1
    chosen = (nth == drawn[:, None].astype(np.int64)) & can
    nothing = calibrated(rows, read.clear(), 0.0)
    for way, some in zip((nothing, by_cuff, by_line), chosen.T, strict=True):
        yield way.filter(pl.Series(some))


def _earlier_line(rows: pl.DataFrame, lines: pl.DataFrame, most_age_s: float) -> pl.DataFrame:
    """Put a line's reading beside each window: of some time before, else of some time after.

    How long is drawn by the window's hash between ``LEAST_AGE_S`` and ``most_age_s``, each doubling
    of it alike.
    """
    share = (_mixed(rows["hash"].to_numpy() + np.uint64(1)) >> np.uint64(11)) / 2.0**53
    age_s = LEAST_AGE_S * (max(most_age_s, LEAST_AGE_S) / LEAST_AGE_S) ** share
    ordered = lines.sort("taken_s")
    asked = rows.with_row_index("row").with_columns(
        then_s=pl.col("start_s") - pl.Series(age_s), later_s=pl.col("start_s") + pl.Series(age_s)
    )
    found = pl.concat(
        [_found(asked, ordered, side, apart) for side, apart in (("then_s", 1), ("later_s", -1))]
    ).unique("row", keep="first", maintain_order=True)
    return asked.join(found, on="row", how="left", maintain_order="left").drop(
        "row", "then_s", "later_s"
    )


def _found(asked: pl.DataFrame, ordered: pl.DataFrame, at: str, side: int) -> pl.DataFrame:
    near = beside_in_time(asked.sort(at), ordered, at, "taken_s")
    apart = side * (pl.col("start_s") - pl.col("taken_s"))
    return near.filter(apart >= LEAST_AGE_S).select("row", *READING)


def _hashes(rows: pl.DataFrame) -> pl.Series:
    """Hash each window's key, the same on every machine, for good."""
    records = rows.select(RECORD).unique()
    seeds = [_seed("\n".join(record)) for record in records.rows()]
    own = records.with_columns(seed=pl.Series(seeds, dtype=pl.UInt64))
    seed = rows.join(own, on=RECORD, how="left", maintain_order="left")["seed"].to_numpy()
    return pl.Series(_mixed(seed + rows["window_index"].to_numpy().astype(np.uint64)))


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _mixed(x: U64) -> U64:
    """Mix 64 bits (SplitMix64, Steele et al. 2014), wrapping round."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
