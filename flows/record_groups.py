"""Records of a lake, some at a time, so that planning takes little memory of a large lake."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from ops.lake import Lake

GROUP_WINDOWS: Final = 100_000
"""Windows planned at once: they bound the memory of planning, however large the lake is."""


@dataclass(frozen=True)
class RecordGroup:
    """Neighbours by id among the records of a dataset: those in ``(after, upto]``.

    Null bounds leave an end open, so that groups also cover what no record is there for.
    """

    dataset: str
    after: str | None
    upto: str | None
    n_windows: int

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows of these records."""
        bounds = [pl.col("dataset") == self.dataset]
        if self.after is not None:
            bounds.append(pl.col("record_id") > self.after)
        if self.upto is not None:
            bounds.append(pl.col("record_id") <= self.upto)
        return rows.filter(*bounds)


def record_groups(lake: Lake, dataset: str) -> Iterator[RecordGroup]:
    """Group a dataset's records, or those of all datasets, by id."""
    records = lake.scan("records", dataset).select("dataset", "record_id", "n_windows")
    ordered = records.sort("dataset", "record_id").collect()
    for of_dataset in ordered.partition_by("dataset", maintain_order=True):
        number = pl.col("n_windows").cum_sum() // GROUP_WINDOWS
        parts = of_dataset.with_columns(number=number).partition_by("number", maintain_order=True)
        ends = [None, *(part["record_id"][-1] for part in parts[:-1]), None]
        for part, after, upto in zip(parts, ends, ends[1:], strict=False):
            yield RecordGroup(part["dataset"][0], after, upto, int(part["n_windows"].sum()))
