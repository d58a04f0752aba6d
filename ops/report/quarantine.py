"""What could not be used, by why."""

from typing import Any, Final

import polars as pl

MOST_LISTED: Final = 50
_CLASS: Final = ["step", "error"]


def quarantine_classes(quarantine: pl.LazyFrame) -> list[dict[str, Any]]:
    """Count inputs by step and class of error, the most frequent first, with one reason of each."""
    counted = quarantine.group_by(_CLASS).agg(
        pl.len().alias("inputs"),
        pl.col("record_id").n_unique().alias("records"),
        pl.col("reason").min().alias("example"),
    )
    return counted.sort("inputs", *_CLASS, descending=[True, False, False]).collect().to_dicts()


def quarantine_listed(quarantine: pl.LazyFrame, most: int = MOST_LISTED) -> list[dict[str, Any]]:
    """List the first inputs by name."""
    columns = ("dataset", "path", "step", "error", "reason", "attempts", "created_at")
    order = ["dataset", "path", "step"]
    return quarantine.select(columns).sort(order).head(most).collect().to_dicts()
