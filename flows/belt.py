"""Items on their way through a pool into commits, one belt through all the tasks of a run."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import chain
from types import TracebackType
from typing import Any, Self

from flows.actors.pool import Done, Pool

Commit = Callable[[list[Done]], None]


class Belt:
    """Works items off and commits what is done in groups, while the pool works on.

    The pool never waits for a task to end or a commit to be through. A task that fails is tried
    again from where it was: what was not committed is committed first, what was not done is done.
    Where an item can't be taken, each further try fails by the same error: a generator that has
    raised looks as if it were through.

    Args:
        items: what is to be done, in the order in which it is handed out; taken as it is needed.
        pool: does it.
        commit: takes what is done, a group at a time and never two at once.
        every_s: seconds between commits, at least.
    """

    def __init__(
        self, items: Iterable[Any], pool: Pool, commit: Commit, every_s: float = 0.0
    ) -> None:
        self._items = iter(items)
        self._taken: dict[int, Any] = {}
        self._pool = pool
        self._commit = commit
        self._every_s = every_s
        self._broken: Exception | None = None
        self._coming: Iterator[Done] | None = None
        self._gathered: list[Done] = []
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._committing: tuple[list[Done], Future[None]] | None = None

    def __enter__(self) -> Self:
        """Nothing is done before the first task asks for it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let a commit that is under way end."""
        self._committer.shutdown()

    def work_off(self, n: int) -> Iterator[list[Done]]:
        """Work off ``n`` items more, or all that are left; yield them as they are committed.

        The last of them may be committed by the next call; once nothing is left, all are.
        """
        opened = time.monotonic()
        if self._gathered:  # by a call that failed
            yield from self._handed_over()
        for _, done in zip(range(n), self._next_done(), strict=False):
            self._gathered.append(done)
            if time.monotonic() - opened >= self._every_s and self._is_free():
                yield from self._handed_over()
                opened = time.monotonic()
        if self._gathered:
            yield from self._handed_over()
        if self._is_empty():
            yield from self._settled()

    @property
    def is_through(self) -> bool:
        """Whether all is done and committed."""
        return self._is_empty() and not self._gathered and self._committing is None

    def settle(self) -> None:
        """Commit what is done already, where nothing more will be."""
        for _ in self._settled():
            pass
        if self._gathered:
            for _ in chain(self._handed_over(), self._settled()):
                pass

    def _next_done(self) -> Iterator[Done]:
        if self._coming is None:
            self._coming = self._pool.work_through(chain(list(self._taken.values()), self._take()))
        try:
            for done in self._coming:
                del self._taken[id(done.item)]
                yield done
        except Exception:
            self._coming = None  # a generator that has raised is over
            raise

    def _take(self) -> Iterator[Any]:
        while (item := self._next_item()) is not None:
            self._taken[id(item)] = item
            yield item

    def _next_item(self) -> Any:
        """Give the next item; null where there is none."""
        if self._broken is not None:
            raise self._broken
        try:
            return next(self._items, None)
        except Exception as error:
            self._broken = error
            raise

    def _is_empty(self) -> bool:
        if self._taken or self._broken is not None:
            return False
        item = self._next_item()
        if item is not None:
            self._items = chain([item], self._items)
        return item is None

    def _is_free(self) -> bool:
        return self._committing is None or self._committing[1].done()

    def _handed_over(self) -> Iterator[list[Done]]:
        yield from self._settled()
        group, self._gathered = self._gathered, []
        commit = self._committer.submit(copy_context().run, self._commit, group)
        self._committing = group, commit
        if self._pool.is_here:
            yield from self._settled()

    def _settled(self) -> Iterator[list[Done]]:
        """Wait for the commit that is under way; what it could not commit is kept."""
        if self._committing is None:
            return
        group, future = self._committing
        self._committing = None
        try:
            future.result()
        except Exception:
            self._gathered = group + self._gathered
            raise
        yield group
