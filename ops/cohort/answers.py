"""What the synthetic pressures of an export were made by, as the lake has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ops.audit.current import WINDOW
from ops.lake import Lake

_RECORDED: Final = ["spec_sha256", "model_sha256", "sampler", "n_samples"]
_MODEL: Final = ["dataset", "model_id"]
_BY: Final = [*_MODEL, *_RECORDED]


@dataclass(frozen=True)
class Spec:
    """One way in which answers of an export were made, in one dataset.

    ``kinds`` are what its pressures were calibrated by, ``restored`` among them; none where it only
    abstained.
    """

    dataset: str
    model_id: str
    spec_sha256: str
    model_sha256: str
    sampler: str
    n_samples: int
    kinds: Sequence[str] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Give what an audit knows it by."""
        return self.dataset, self.spec_sha256


def specs_of(lake: Lake, dataset: str, rows: pl.LazyFrame) -> list[Spec]:
    """Find how the synthetic ``rows`` of a series were made; no other answer of the lake counts."""
    told = pl.col("sbp").is_not_null()
    kind = pl.when(told).then(pl.col("calibration").fill_null("restored"))
    chosen = rows.filter(pl.col("source") == "synthetic").select(*WINDOW, "model_id", kinds=kind)
    made = lake.scan("backfill", dataset).filter(pl.col("modality") == "abp")
    there = made.select(_BY).unique().collect()
    if there.select(_MODEL).is_unique().all():
        joined = chosen.join(there.lazy(), on=_MODEL)
    else:
        joined = _by_window(chosen, made)
    found = joined.group_by(_BY).agg(pl.col("kinds").drop_nulls().unique().sort())
    return [Spec(*row) for row in found.sort(_BY).collect().iter_rows()]


def _by_window(chosen: pl.LazyFrame, made: pl.LazyFrame) -> pl.LazyFrame:
    """Find each window's own answer, where a model has answered in several ways."""
    key = [*WINDOW, "model_id"]
    joined = chosen.join(made.select(*key, *_RECORDED, "created_at"), on=key)
    # Of a window that was graded anew, the answer to its former task is still there.
    return joined.filter(pl.col("created_at") == pl.col("created_at").max().over(key))
