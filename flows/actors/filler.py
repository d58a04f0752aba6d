"""The actor that fills shards: windows of the lake through a restorer to a data file."""

from dataclasses import dataclass, field

import polars as pl

from flows.actors.device import Device
from flows.actors.shard_windows import ShardWindows
from flows.actors.worked import WorkedShard, peak_rss_mib, see_same_spec, this_actor, written
from flows.config import BackfillConfig
from flows.restorers import make_restorer
from ops.fill.answer import Seen, Terms
from ops.fill.plan import FillShard, spans_of, spec_sha256
from ops.fill.rows import fill_rows
from ops.lake import Lake


@dataclass(frozen=True, kw_only=True)
class FilledShard(WorkedShard):
    """What came of one shard, with counts by ``(task, modality)``."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    n_abstained: int = 0


class Filler:
    """Fills shards; the restorer loads once, where the actor lives.

    Several threads may each work on a shard: one has the device while others read and write.
    """

    IN_HAND = 3
    """Shards at once that keep a device busy: one that is read, one on it, one that is written."""

    def __init__(self, config: BackfillConfig, run_id: str, spec: str | None = None) -> None:
        """Load the restorer; ``spec`` is the hash of what the run planned to fill by.

        Raises:
            OSError: where the checkpoint can't be read.
            ValueError: where it is not the file of its card, or not what the run planned by.
        """
        self._lake = Lake(config.lake)
        self._terms = Terms(config.seed, run_id, config.reference_max_age_s)
        restorer = make_restorer(config)
        here = spec_sha256(restorer, config.seed, config.reference_max_age_s)
        see_same_spec(restorer.model_id, here, spec)
        self._device = Device(restorer)
        self._windows = ShardWindows(self._lake)

    def work(self, shard: FillShard) -> FilledShard:
        """Restore a shard and write its file.

        Raises:
            OSError: where the lake fails for now.
        """
        turn = self._device.turn()
        rows = fill_rows(shard, self._seen(shard), turn, self._terms)
        made = rows.filter(pl.col("samples").is_not_null())
        return FilledShard(
            files=written(self._lake, "backfill", shard, rows),
            keys=rows.select("dataset", "record_id", "window_index", "modality"),
            counts={
                (task, modality): n
                for task, modality, n in made.group_by("task", "modality").len().rows()
            },
            n_abstained=rows.height - made.height,
            peak_rss_mib=peak_rss_mib(),
            busy=tuple(turn.busy),
            actor=this_actor(),
        )

    def _seen(self, shard: FillShard) -> Seen:
        """Read windows, then those that show readings, so that both are of one version."""
        windows = self._windows.of(shard)
        moments = spans_of(shard.wants["moment"].drop_nulls())
        return Seen(windows, self._windows.read(shard, moments))
