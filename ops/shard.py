"""A shard: at most 256 windows of one record, the unit of work, of memory and of retry."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from schemas.grid import SHARD_WINDOWS


@dataclass(frozen=True, eq=False)
class Shard:
    """Some windows of one record, and what is wanted of them.

    ``wants`` has ``window_index``, in its order, and the columns of ``MADE_FROM``.
    """

    dataset: str
    record_id: str
    subject_id: str
    wants: pl.DataFrame

    MADE_FROM: ClassVar[tuple[str, ...]] = ("input_sha256",)
    """Columns of what is asked, and of what it is made from."""

    @property
    def first(self) -> int:
        """Index of the first window."""
        return int(self.wants["window_index"][0])

    @property
    def last(self) -> int:
        """Index of the last window."""
        return int(self.wants["window_index"][-1])

    @property
    def n_windows(self) -> int:
        """How many windows it has something to do for."""
        return self.wants["window_index"].n_unique()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Indexes of the first and last windows to read, in one or more stretches."""
        return [(self.first, self.last)]

    @property
    def path(self) -> str:
        """Its name in ``quarantine``."""
        return f"{self.record_id}#windows={self.first}-{self.last}"

    def fingerprint(self, spec_sha256: str) -> str:
        """Hash what it is made from and by; a quarantined shard waits until this changes."""
        asked = self.wants.select(self.MADE_FROM).rows()
        return hashlib.sha256(f"{spec_sha256}{asked}".encode()).hexdigest()


def parts_of(missing: pl.DataFrame, *within: str) -> Iterator[pl.DataFrame]:
    """Cut what is missing into parts of 256 windows, record by record, in the order of time.

    ``within`` are the columns that order what is wanted of one window.
    """
    for record in missing.sort("dataset", "record_id").partition_by(
        "dataset", "record_id", maintain_order=True
    ):
        ordered = record.sort("window_index", *within)
        order = ordered["window_index"].rle_id() // SHARD_WINDOWS
        parts = ordered.with_columns(part=order).partition_by("part", maintain_order=True)
        yield from (part.drop("part") for part in parts)
