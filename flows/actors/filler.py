"""The actor that fills shards: windows of the lake through a restorer to a data file."""

import os
import platform
import resource
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from flows.actors.device import Busy, Device
from flows.config import BackfillConfig
from flows.restorers import make_restorer
from ops.fill.answer import Seen, Terms
from ops.fill.plan import FillShard, spans_of
from ops.fill.rows import fill_rows
from ops.lake import DataFile, Lake
from ops.lake.snapshot import Snapshot
from schemas.windows import Window


@dataclass(frozen=True)
class FilledShard:
    """What came of one shard: a file to commit, and counts by ``(task, modality)``.

    ``keys`` are the windows and targets that the file answers; whatever answered them before goes.
    ``busy`` are the stretches of time for which it had the device of its ``actor``.
    """

    files: list[DataFile]
    keys: pl.DataFrame
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    n_abstained: int = 0
    peak_rss_mib: float = 0.0
    busy: tuple[Busy, ...] = ()
    actor: str = ""


class Filler:
    """Fills shards; the restorer loads once, where the actor lives.

    Several threads may each work on a shard: one has the device while others read and write.
    """

    IN_HAND = 3
    """Shards at once that keep a device busy: one that is read, one on it, one that is written."""

    def __init__(self, config: BackfillConfig, run_id: str) -> None:
        self._lake = Lake(config.lake)
        self._terms = Terms(config.seed, run_id, config.reference_max_age_s)
        self._device = Device(make_restorer(config))
        self._windows = Snapshot(self._lake.location, "windows")

    def work(self, shard: FillShard) -> FilledShard:
        """Restore a shard and write its file.

        Raises:
            OSError: where the lake fails for now.
        """
        turn = self._device.turn()
        rows = fill_rows(shard, self._seen(shard), turn, self._terms)
        made = rows.filter(pl.col("samples").is_not_null())
        return FilledShard(
            files=self._written("backfill", shard, rows),
            keys=rows.select("dataset", "record_id", "window_index", "modality"),
            counts={
                (task, modality): n
                for task, modality, n in made.group_by("task", "modality").len().rows()
            },
            n_abstained=rows.height - made.height,
            peak_rss_mib=peak_rss_mib(),
            busy=tuple(turn.busy),
            actor=f"{platform.node()}:{os.getpid()}",
        )

    def _written(self, table: str, shard: FillShard, rows: pl.DataFrame) -> list[DataFile]:
        with self._lake.writer(table, {"dataset": shard.dataset}) as file:
            file.write(rows)
        return file.finished()

    def _seen(self, shard: FillShard) -> Seen:
        """Read windows, then those that show readings, so that both are of one version."""
        return Seen(self._windows_of(shard), self._moments_of(shard))

    def _windows_of(self, shard: FillShard) -> pl.DataFrame:
        """Read what a shard is made from; of the newest version where windows have been replaced.

        Another run may have read the record again since this actor opened the table.
        """
        windows = self._read(shard, shard.spans)
        if shard.wants.join(windows, on=["window_index", "input_sha256"], how="anti").is_empty():
            return windows
        self._windows = Snapshot(self._lake.location, "windows")
        return self._read(shard, shard.spans)

    def _moments_of(self, shard: FillShard) -> pl.DataFrame:
        return self._read(shard, spans_of(shard.wants["moment"].drop_nulls()))

    def _read(self, shard: FillShard, spans: Iterable[tuple[int, int]]) -> pl.DataFrame:
        """Read a record's windows of some spans, none of which overlap."""
        parts = [
            self._windows.rows(
                dataset=shard.dataset, record_id=shard.record_id, window_index=span
            ).collect()
            for span in spans
        ]
        return pl.concat([Window.create_empty(), *parts])


def peak_rss_mib() -> float:
    """Give this process's largest memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
