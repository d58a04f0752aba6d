"""Windows of shards as an actor reads them."""

from collections.abc import Iterable

import polars as pl

from ops.lake import Lake
from ops.lake.snapshot import Snapshot
from ops.shard import Shard
from schemas.windows import Window


class ShardWindows:
    """The table ``windows`` at one version, until a shard needs a newer one."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._windows = Snapshot(lake.location, "windows")

    def of(self, shard: Shard, sha256: str = "input_sha256") -> pl.DataFrame:
        """Read what a shard is made from; of the newest version where windows have been replaced.

        Another run may have read the record again since this actor opened the table. ``sha256`` is
        the column of what is wanted that has the windows' own hash.

        Raises:
            OSError: where the lake fails for now.
        """
        windows = self.read(shard, shard.spans)
        wants = shard.wants.select("window_index", input_sha256=sha256)
        if wants.join(windows, on=wants.columns, how="anti").is_empty():
            return windows
        self._windows = Snapshot(self._lake.location, "windows")
        return self.read(shard, shard.spans)

    def read(self, shard: Shard, spans: Iterable[tuple[int, int]]) -> pl.DataFrame:
        """Read windows of a shard's record in some spans, none of which overlap."""
        parts = [
            self._windows.rows(
                dataset=shard.dataset, record_id=shard.record_id, window_index=span
            ).collect()
            for span in spans
        ]
        return pl.concat([Window.create_empty(), *parts])
