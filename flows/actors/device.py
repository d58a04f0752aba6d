"""The device that a model computes on: one shard has it at a time, and it tells how long."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from schemas.modality import Modality
from schemas.restoration import RestoreBatch, Restored, Restorer, Task


class Busy(NamedTuple):
    """A stretch of time, by the clock (seconds since 1970), for which a model had its device."""

    began: float
    ended: float


class Hold:
    """The uses of a device by one shard: each waits till it is free, and is timed.

    The time is that of the whole block: what it computes beside the device is in it.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.busy: list[Busy] = []

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """Have the device for the length of the block."""
        with self._lock:
            began = time.time()
            try:
                yield
            finally:
                self.busy.append(Busy(began, time.time()))


class Device:
    """A restorer that several threads use, one after the other."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._lock = threading.Lock()

    def turn(self) -> "Turn":
        """Give the restorer for one shard."""
        return Turn(self._restorer, self._lock)


class Turn(Hold):
    """A restorer as one shard uses it."""

    def __init__(self, restorer: Restorer, lock: threading.Lock) -> None:
        super().__init__(lock)
        self._restorer = restorer
        self.model_id = restorer.model_id
        self.model_sha256 = restorer.model_sha256
        self.sampler = restorer.sampler
        self.steps = restorer.steps
        self.n_samples = restorer.n_samples
        self.calibrates = restorer.calibrates
        self.trained = restorer.trained

    def can(self, task: Task, target: Modality) -> bool:
        """Say whether the restorer was made for this."""
        return self._restorer.can(task, target)

    def restore(self, batch: RestoreBatch) -> Restored:
        """Restore a batch once the device is free."""
        with self.on_device():
            return self._restorer.restore(batch)


@dataclass
class Worked:
    """How long one device has worked, from its first turn to its last."""

    first: float = float("inf")
    last: float = float("-inf")
    seconds: float = 0.0

    def add(self, turns: Iterable[Busy]) -> None:
        """Take in more turns."""
        for turn in turns:
            self.first, self.last = min(self.first, turn.began), max(self.last, turn.ended)
            self.seconds += turn.ended - turn.began


def busy_share(devices: Mapping[str, Worked]) -> float | None:
    """Give the share of time that devices were at work, each from its own first turn to the last.

    The last turn is that of all ``devices``: one that has run out of work is idle. Null where there
    was no turn.
    """
    there = [worked for worked in devices.values() if worked.last >= worked.first]
    if not there:
        return None
    last = max(worked.last for worked in there)
    span = sum(last - worked.first for worked in there)
    return min(1.0, sum(worked.seconds for worked in there) / span) if span > 0 else 1.0
