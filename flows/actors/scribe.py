"""The actor that annotates shards: windows of the lake through an annotator to a data file."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.actors.device import Hold
from flows.actors.shard_windows import ShardWindows
from flows.actors.worked import WorkedShard, peak_rss_mib, see_same_spec, this_actor, written
from flows.annotate_config import AnnotateConfig
from flows.annotators import make_annotator
from ops.annotate.given import WINDOW
from ops.annotate.plan import AnnotateShard, spec_sha256
from ops.annotate.rows import annotate_rows
from ops.lake import Lake
from schemas.annotator import AnnotateBatch, Annotated, Annotator


@dataclass(frozen=True, kw_only=True)
class AnnotatedShard(WorkedShard):
    """What came of one shard, with counts by rhythm."""

    rhythms: dict[str, int] = field(default_factory=dict)


class Scribe:
    """Annotates shards; the annotator loads once, where the actor lives.

    Several threads may each work on a shard: one has the device while others read and write.
    """

    IN_HAND = 3

    def __init__(self, config: AnnotateConfig, run_id: str, spec: str | None = None) -> None:
        """Load the annotator; ``spec`` is the hash of what the run planned to annotate by.

        Raises:
            OSError: where the checkpoint can't be read.
            ValueError: where it is not the file of its card, or not what the run planned by.
        """
        self._lake = Lake(config.lake)
        self._run_id = run_id
        self._annotator = make_annotator(config)
        see_same_spec(self._annotator.model_id, spec_sha256(self._annotator), spec)
        self._lock = threading.Lock()
        self._windows = ShardWindows(self._lake)

    def work(self, shard: AnnotateShard) -> AnnotatedShard:
        """Annotate a shard and write its file.

        Raises:
            OSError: where the lake fails for now.
            ValueError: where the annotator says what no annotation may say.
        """
        turn = AnnotatorTurn(self._annotator, self._lock)
        windows = self._windows.of(shard, "window_sha256")
        rows = annotate_rows(shard, windows, turn, self._run_id)
        return AnnotatedShard(
            files=written(self._lake, "annotations", shard, rows),
            keys=rows.select(WINDOW),
            rhythms=dict(rows.group_by("rhythm").len().rows()),
            peak_rss_mib=peak_rss_mib(),
            busy=tuple(turn.busy),
            actor=this_actor(),
        )


class AnnotatorTurn(Hold):
    """An annotator as one shard uses it."""

    def __init__(self, annotator: Annotator, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._annotator = annotator

    @property
    def model_id(self) -> str:
        """That of the annotator."""
        return self._annotator.model_id

    @property
    def model_sha256(self) -> str:
        """That of the annotator."""
        return self._annotator.model_sha256

    @property
    def spec(self) -> Mapping[str, object]:
        """That of the annotator."""
        return self._annotator.spec

    def annotate(self, batch: AnnotateBatch) -> Annotated:
        """Annotate a batch once the device is free."""
        with self.on_device():
            return self._annotator.annotate(batch)
