"""The device that a restorer computes on: one shard has it at a time, and it tells how long."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.modality import Modality
from schemas.restoration import RestoreBatch, Restored, Restorer, Task


class Busy(NamedTuple):
    """A stretch of time, by the clock (seconds since 1970), for which a device was at work."""

    began: float
    ended: float


class Device:
    """A restorer that several threads use, one after the other."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._lock = threading.Lock()

    def turn(self) -> "Turn":
        """Give the restorer for one shard."""
        return Turn(self._restorer, self._lock)


class Turn:
    """A restorer as one shard uses it: each batch waits for the device, and is timed on it."""

    def __init__(self, restorer: Restorer, lock: threading.Lock) -> None:
        self._restorer = restorer
        self._lock = lock
        self.busy: list[Busy] = []
        self.model_id = restorer.model_id
        self.model_sha256 = restorer.model_sha256
        self.sampler = restorer.sampler
        self.steps = restorer.steps
        self.n_samples = restorer.n_samples

    def can(self, task: Task, target: Modality) -> bool:
        """Say whether the restorer was made for this."""
        return self._restorer.can(task, target)

    def restore(self, batch: RestoreBatch) -> Restored:
        """Restore a batch once the device is free."""
        with self._lock:
            began = time.time()
            try:
                return self._restorer.restore(batch)
            finally:
                self.busy.append(Busy(began, time.time()))


def busy_share(turns: Mapping[str, Sequence[Busy]]) -> float | None:
    """Give the share of time that devices were at work, each from its own first turn to the last.

    The last turn is that of all ``turns``, by device: one that has run out of work is idle. Null
    where there was no turn.
    """
    all_turns = [turn for of_device in turns.values() for turn in of_device]
    if not all_turns:
        return None
    last = max(turn.ended for turn in all_turns)
    there = sum(last - min(turn.began for turn in of_device) for of_device in turns.values())
    worked = sum(turn.ended - turn.began for turn in all_turns)
    return min(1.0, worked / there) if there > 0 else 1.0
