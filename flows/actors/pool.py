"""Hand items to actors, a few tries each, whichever is free; or do the work in this process."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, cast

import ray
from ray.exceptions import RayError, RayTaskError

from flows.actors.counts import ItemCounts
from flows.actors.placing import strategy
from ops.room import NoRoomError
from ops.unserved import Unserved

logger = logging.getLogger(__name__)

TELL_AFTER_S = 60.0


class Worker(Protocol):
    """What runs in an actor: a plain class with one method for one item."""

    def work(self, item: Any, /) -> Any:
        """Do one item; raise where it can't be done."""


@dataclass(frozen=True)
class Done:
    """An item with its result, or with the error of its last attempt."""

    item: Any
    attempts: int
    result: Any = None
    error: BaseException | None = None


@dataclass
class _Try:
    """An item with the number of its attempt; the second and later ones are made alone."""

    item: Any
    attempt: int = 1
    began: float = 0.0

    @property
    def alone(self) -> bool:
        return self.attempt > 1


class _Waiting(deque[_Try]):
    """What is to be handed out next; filled up from items that are not all there yet."""

    def __init__(self, items: Iterable[Any], n: int) -> None:
        super().__init__()
        self._items = iter(items)
        self._n = max(n, 1)
        self._put_off: deque[_Try] = deque()

    def filled(self) -> bool:
        """Take what is missing of ``n`` tries; say whether there is any."""
        missing = range(self._n - len(self))
        self.extend(_Try(item) for _, item in zip(missing, self._items, strict=False))
        if not self and self._put_off:
            self.append(self._put_off.popleft())
        return bool(self)

    def put_off(self, one: _Try) -> None:
        """Keep a try until there is no other."""
        self._put_off.append(one)


class Pool:
    """Workers that come up once and stay for the length of the block.

    An item that raises, or whose actor dies, is tried again up to ``attempts`` times. An actor that
    dies takes all that it had in hand with it, and each of those is charged; from then on they are
    tried alone on an actor, so that none is given up for another's sake. Where the cluster has no
    room for an actor, or one can't come up, those that did do its share; where none can come up,
    the work fails.

    Args:
        make: builds a worker where it runs, and travels there by reference.
        actors: how many; 0 works in this process, without Ray.
        gpus_per_actor: share of a GPU that each takes.
        attempts: tries an item.
        in_hand: items that an actor has at once, each in a thread of its own; the worker sees to
            it that they don't get in each other's way.
        unserved: counts the items that fail by their source; those are tried again last.
        counts: where items are counted by what becomes of them.
        called: says in a log which item is meant, by names that may stand there.
    """

    def __init__(
        self,
        make: Callable[[], Worker],
        actors: int,
        *,
        gpus_per_actor: float = 0.0,
        attempts: int = 3,
        in_hand: int = 1,
        unserved: Unserved | None = None,
        counts: ItemCounts | None = None,
        called: Callable[[Any], Mapping[str, object]] | None = None,
    ) -> None:
        self._make = make
        self._n_actors = actors
        self._gpus_per_actor = gpus_per_actor
        self._attempts = attempts
        self._in_hand = in_hand if attempts > 1 else 1
        self._unserved = unserved
        self._counts = counts or ItemCounts()
        self._called = called or (lambda _: {})
        self._here: Worker | None = None
        self._actors: dict[Any, dict[Any, _Try]] = {}
        self._starting: dict[Any, Any] = {}
        self._failed_starts = 0

    @property
    def is_here(self) -> bool:
        """Whether the work is done in this process."""
        return self._n_actors == 0

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
        for actor in [*self._actors, *self._starting.values()]:
            ray.kill(actor)
        self._actors.clear()
        self._starting.clear()

    def work_through(self, items: Iterable[Any]) -> Iterator[Done]:
        """Yield every item as it is done, in no particular order.

        Items are taken as they are needed, and go to the actor with the least in hand.

        Raises:
            NoRoomError: as soon as one fails by it.
            SourceDownError: where too many in a row fail by their source.
            Exception: what keeps every worker from coming up.
        """
        waiting = _Waiting(items, self._n_actors * self._in_hand)
        return self._work_here(waiting) if self.is_here else self._work_on_actors(waiting)

    def _work_here(self, waiting: "_Waiting") -> Iterator[Done]:
        while waiting.filled():
            if self._here is None:
                self._here = self._make()
            one = waiting.popleft()
            self._hand(one)
            try:
                result = self._here.work(one.item)
            except Exception as error:
                yield from self._again(waiting, one, error)
            else:
                yield self._done(one, result)

    def _work_on_actors(self, waiting: "_Waiting") -> Iterator[Done]:
        for in_hand in self._actors.values():
            in_hand.clear()  # of an earlier call that was left half-way; its results are not wanted
        self._counts.in_hand = 0
        while waiting.filled() or any(self._actors.values()):
            self._start_missing(len(waiting))
            self._hand_out(waiting)
            ready = self._next()
            if ready in self._starting:
                self._started(ready)
            else:
                yield from self._finished(ready, waiting)

    def _hand_out(self, waiting: "_Waiting") -> None:
        """Give out what may be given now."""
        while waiting.filled() and (free := self._free_for(waiting[0])):
            one = waiting.popleft()
            actor = min(free, key=lambda actor: len(self._actors[actor]))
            self._hand(one)
            self._actors[actor][actor.work.remote(one.item)] = one

    def _hand(self, one: _Try) -> None:
        one.began = time.monotonic()
        self._counts.in_hand += 1

    def _free_for(self, one: _Try) -> list[Any]:
        most = 1 if one.alone else self._in_hand
        return [
            actor
            for actor, in_hand in self._actors.items()
            if len(in_hand) < most and not any(each.alone for each in in_hand.values())
        ]

    def _next(self) -> Any:
        """Wait for what has come up or is done first."""
        working = [ref for in_hand in self._actors.values() for ref in in_hand]
        while True:
            ready, _ = ray.wait([*self._starting, *working], num_returns=1, timeout=TELL_AFTER_S)
            if ready:
                return ready[0]
            if not working:
                logger.warning("no actor has come up yet: the cluster has no room for one")

    def _finished(self, ready: Any, waiting: "_Waiting") -> Iterator[Done]:
        actor = next(a for a, in_hand in self._actors.items() if ready in in_hand)
        one = self._actors[actor].pop(ready)
        try:
            result = ray.get(ready)
        except RayTaskError as error:
            yield from self._again(waiting, one, _cause(error))
        except RayError as error:  # the actor or its node is gone, or the result with it
            lost = [one, *self._actors.pop(actor).values()]
            ray.kill(actor)  # Ray's own restart would fail the next item too
            for each in lost:
                yield from self._again(waiting, each, error)
        else:
            yield self._done(one, result)

    def _done(self, one: _Try, result: Any) -> Done:
        if self._unserved:
            self._unserved.served()
        self._counts.in_hand -= 1
        self._counts.done += 1
        logger.info("done", extra=self._about(one))
        return Done(one.item, one.attempt, result)

    def _started(self, ready: Any) -> None:
        """Take an actor in; where none comes up in as many tries as an item has, give up."""
        actor = self._starting.pop(ready)
        try:
            ray.get(ready)
        except RayError as error:
            ray.kill(actor)
            self._failed_starts += 1
            cause = _cause(error)
            extra = {"error": type(cause).__name__}
            logger.warning("an actor could not come up: %s", cause, extra=extra)
            if not self._may_start and not self._actors and not self._starting:
                raise cause from error
        else:
            self._actors[actor] = {}
            self._failed_starts = 0

    @property
    def _may_start(self) -> bool:
        return self._failed_starts < self._attempts

    def _again(self, waiting: "_Waiting", one: _Try, error: BaseException) -> Iterator[Done]:
        if isinstance(error, NoRoomError):
            raise error  # no other item would fare better
        # The error's text may name a patient; it goes to quarantine, which hides names.
        name = type(error).__name__
        extra = {**self._about(one), "error": name, "attempts": self._attempts}
        logger.warning("attempt %d of %d: %s", one.attempt, self._attempts, name, extra=extra)
        self._counts.in_hand -= 1
        by_source = self._is_unserved(one, error)
        if one.attempt < self._attempts:
            self._counts.retried += 1
            again = _Try(one.item, one.attempt + 1)
            (waiting.put_off if by_source else waiting.append)(again)
        else:
            self._counts.quarantined += 1
            logger.warning("given up", extra=extra)
            yield Done(one.item, one.attempt, error=error)

    def _about(self, one: _Try) -> dict[str, object]:
        seconds = round(time.monotonic() - one.began, 3)
        return {**self._called(one.item), "attempt": one.attempt, "seconds": seconds}

    def _is_unserved(self, one: _Try, error: BaseException) -> bool:
        if self._unserved is None or isinstance(error, RayError):
            return False
        if not self._unserved.takes(error):
            self._unserved.served()
            return False
        self._unserved.failed(id(one.item), error)
        return True

    def _start_missing(self, waiting: int) -> None:
        """Start as many actors as there is work for, and no more than were asked for."""
        there = len(self._actors) + len(self._starting)
        if there and not self._may_start:
            return
        work = waiting + sum(map(len, self._actors.values()))
        for _ in range(there, min(self._n_actors, work)):
            self._start()

    def _start(self) -> None:
        options = {
            "num_cpus": 0 if self._gpus_per_actor else 1,
            "num_gpus": self._gpus_per_actor,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": self._in_hand,
            "scheduling_strategy": strategy(self._gpus_per_actor),
        }
        actor = ray.remote(_Host).options(**options).remote(self._make)
        self._starting[cast("Any", actor).up.remote()] = actor


class _Host:
    """The actor: builds its worker where it lives, and hands it items."""

    def __init__(self, make: Callable[[], Worker]) -> None:
        self._make = make

    def up(self) -> None:
        """Build the worker; here, since Ray keeps no error of a constructor but its text."""
        self._worker = self._make()

    def work(self, item: Any) -> Any:
        return self._worker.work(item)


def _cause(error: BaseException) -> BaseException:
    """Give the exception that a worker raised, without Ray's wrapping."""
    inner = getattr(error, "cause", None)
    return inner if isinstance(inner, BaseException) else error
