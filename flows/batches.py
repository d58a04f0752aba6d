"""Cut work into batches, and what comes out of it into groups for a commit."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from flows.actors.pool import Done, Pool

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut ``items`` into lists of ``size``, the last one shorter."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def work_off(
    todo: list[T], pool: Pool, commit: Callable[[list[Done]], None], every_s: float
) -> Iterator[int]:
    """Work through ``todo`` and commit what is done every few seconds; yield how many that were.

    What is committed leaves ``todo``, so that a task that is tried again does the rest.
    """
    for group in in_groups(pool.work_through(list(todo)), every_s):
        commit(group)
        for done in group:
            todo.remove(done.item)
        yield len(group)


def in_groups(items: Iterable[T], every_s: float) -> Iterator[list[T]]:
    """Gather what comes for ``every_s`` seconds, then give it; never an empty list."""
    group: list[T] = []
    opened = time.monotonic()
    for item in items:
        group.append(item)
        if time.monotonic() - opened >= every_s:
            yield group
            group, opened = [], time.monotonic()
    if group:
        yield group
