"""Hand items to actors, a few tries each, whichever is free; or do the work in this process."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, cast

import ray
from ray.exceptions import RayActorError, RayTaskError

logger = logging.getLogger(__name__)

TELL_AFTER_S = 60.0


class Worker(Protocol):
    """What runs in an actor: a plain class with one method for one item."""

    def work(self, item: Any) -> Any:
        """Do one item; raise where it can't be done."""


@dataclass(frozen=True)
class Done:
    """An item with its result, or with the error of its last attempt."""

    item: Any
    attempts: int
    result: Any = None
    error: BaseException | None = None


class Pool:
    """Workers that come up once and stay for the length of the block.

    An item that raises, or whose actor dies, is tried again up to ``attempts`` times. One item is
    in flight an actor, so that a death is charged to the item that was there. An actor that the
    cluster has no room for gets none: those that came up do its share.

    Args:
        make: builds a worker where it runs, and travels there by reference.
        actors: how many; 0 works in this process, without Ray.
        gpus_per_actor: share of a GPU that each takes.
        attempts: tries an item.
    """

    def __init__(
        self,
        make: Callable[[], Worker],
        actors: int,
        *,
        gpus_per_actor: float = 0.0,
        attempts: int = 3,
    ) -> None:
        self._make = make
        self._n_actors = actors
        self._gpus_per_actor = gpus_per_actor
        self._attempts = attempts
        self._here: Worker | None = None
        self._actors: list[Any] = []
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        """No worker is made before the first item."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the actors go."""
        for actor in self._actors:
            ray.kill(actor)
        self._actors.clear()
        self._idle.clear()
        self._starting.clear()

    def work_through(self, items: Iterable[Any]) -> Iterator[Done]:
        """Yield every item as it is done, in no particular order."""
        queue = deque((item, 1) for item in items)
        if self._n_actors == 0:
            yield from self._work_here(queue)
        elif queue:
            yield from self._work_on_actors(queue)

    def _work_here(self, queue: deque[tuple[Any, int]]) -> Iterator[Done]:
        while queue:
            item, attempt = queue.popleft()
            try:
                if self._here is None:
                    self._here = self._make()
                result = self._here.work(item)
            except Exception as error:
                yield from self._again(queue, item, attempt, error)
            else:
                yield Done(item, attempt, result)

    def _work_on_actors(self, queue: deque[tuple[Any, int]]) -> Iterator[Done]:
        # An earlier call may have been left half-way: whoever has come up is free for this one.
        self._idle = [a for a in self._actors if a not in self._starting.values()]
        running: dict[Any, tuple[Any, Any, int]] = {}
        while queue or running:
            while len(self._actors) < min(self._n_actors, len(queue) + len(running)):
                self._start()
            while queue and self._idle:
                actor, (item, attempt) = self._idle.pop(), queue.popleft()
                running[actor.work.remote(item)] = (actor, item, attempt)
            ready = self._next([*running, *self._starting])
            if ready in self._starting:
                yield from self._started(ready, queue)
                continue
            actor, item, attempt = running.pop(ready)
            try:
                result = ray.get(ready)
            except RayActorError as error:
                self._let_go(actor)
                yield from self._again(queue, item, attempt, error)
            except RayTaskError as error:
                self._idle.append(actor)
                yield from self._again(queue, item, attempt, _cause(error))
            else:
                self._idle.append(actor)
                yield Done(item, attempt, result)

    def _next(self, waited: list[Any]) -> Any:
        """Wait for what is done or has come up first."""
        while True:
            ready, _ = ray.wait(waited, num_returns=1, timeout=TELL_AFTER_S)
            if ready:
                return ready[0]
            if len(self._starting) == len(waited):
                logger.warning("no actor has come up yet: the cluster has no room for one")

    def _started(self, ready: Any, queue: deque[tuple[Any, int]]) -> Iterator[Done]:
        """Take an actor in; one that could not come up is charged to the item that it was for."""
        actor = self._starting.pop(ready)
        try:
            ray.get(ready)
        except (RayActorError, RayTaskError) as error:
            self._let_go(actor)
            if queue:
                item, attempt = queue.popleft()
                yield from self._again(queue, item, attempt, _cause(error))
        else:
            self._idle.append(actor)

    def _again(
        self, queue: deque[tuple[Any, int]], item: Any, attempt: int, error: BaseException
    ) -> Iterator[Done]:
        # The error's text may name a patient; it goes to quarantine, which hides names.
        logger.warning("attempt %d of %d: %s", attempt, self._attempts, type(error).__name__)
        if attempt < self._attempts:
            queue.append((item, attempt + 1))
        else:
            yield Done(item, attempt, error=error)

    def _let_go(self, dead: Any) -> None:
        """Make room for a new actor: Ray's own restart would fail the next item too."""
        ray.kill(dead)
        self._actors.remove(dead)

    def _start(self) -> None:
        options = {
            "num_cpus": 0 if self._gpus_per_actor else 1,
            "num_gpus": self._gpus_per_actor,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        actor = ray.remote(_Host).options(**options).remote(self._make)
        self._actors.append(actor)
        self._starting[cast("Any", actor).up.remote()] = actor


class _Host:
    """The actor: builds its worker where it lives, and hands it items."""

    def __init__(self, make: Callable[[], Worker]) -> None:
        self._worker = make()

    def up(self) -> None:
        """Answer, which it can't before it has come up."""

    def work(self, item: Any) -> Any:
        return self._worker.work(item)


def _cause(error: BaseException) -> BaseException:
    """Give the exception that a worker raised, without Ray's wrapping."""
    inner = getattr(error, "cause", None)
    return inner if isinstance(inner, BaseException) else error
