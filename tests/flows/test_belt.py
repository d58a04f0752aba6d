import threading
from collections.abc import Callable

import pytest

from flows.actors.cluster import cluster
from flows.actors.pool import Done, Pool
from flows.belt import Belt


class Doubler:
    """Doubles numbers."""

    def work(self, item: int) -> int:
        return 2 * item


@pytest.fixture
def here() -> Pool:
    return Pool(Doubler, actors=0)


def results(groups: list[list[Done]]) -> list[int]:
    return sorted(done.result for group in groups for done in group)


def in_batches(belt: Belt, size: int) -> int:
    n = 0
    while not belt.is_through:
        n += sum(map(len, belt.work_off(size)))
    return n


@pytest.mark.parametrize("n_items", [0, 1, 7, 8])
@pytest.mark.parametrize("every_s", [0.0, 60.0])
def test_all_is_committed_once_in_whatever_batches(here, n_items, every_s) -> None:
    groups: list[list[Done]] = []
    with Belt(range(1000, 1000 + n_items), here, groups.append, every_s) as belt:
        committed = in_batches(belt, 4)

    assert committed == n_items
    assert results(groups) == [2 * item for item in range(1000, 1000 + n_items)]


def test_what_a_failed_commit_held_is_committed_by_the_next_try(here) -> None:
    groups: list[list[Done]] = []

    def fails_at_first(group: list[Done]) -> None:
        if not groups:
            groups.append([])
            message = "the store is away"
            raise OSError(message)
        groups.append(group)

    with Belt([1, 2, 3], here, fails_at_first) as belt:
        with pytest.raises(OSError, match="the store is away"):
            list(belt.work_off(3))
        again = in_batches(belt, 3)

    assert again == 3
    assert results(groups) == [2, 4, 6]


def test_work_goes_on_while_a_commit_is_under_way(elsewhere: Callable[[], Pool]) -> None:
    worked_on = threading.Event()
    groups: list[list[Done]] = []

    def commit(group: list[Done]) -> None:
        assert groups or worked_on.wait(30)
        groups.append(group)

    with Belt([1, 2, 3], elsewhere(worked_on), commit) as belt:
        committed = in_batches(belt, 3)

    assert committed == 3
    assert results(groups) == [2, 4, 6]


@pytest.fixture
def elsewhere() -> Callable[[threading.Event], Pool]:
    """Make a pool of one actor's like, which says when it has done its third item."""

    class Threads(Pool):
        def __init__(self, third: threading.Event) -> None:
            super().__init__(Doubler, actors=1)
            self._third = third

        def work_through(self, items):
            for number, item in enumerate(items, start=1):
                if number == 3:
                    self._third.set()
                yield Done(item, 1, 2 * item)

    return Threads


def test_a_pool_that_breaks_down_is_asked_again_for_what_is_left() -> None:
    asked: list[list[int]] = []

    class Breaking(Pool):
        def work_through(self, items):
            items = list(items)
            asked.append(items)
            yield Done(items[0], 1, 2 * items[0])
            if len(asked) == 1:
                message = "the cluster is gone"
                raise ConnectionError(message)
            yield from (Done(item, 1, 2 * item) for item in items[1:])

    groups: list[list[Done]] = []
    pool = Breaking(Doubler, actors=0)
    with Belt([1, 2, 3], pool, groups.append) as belt:
        with pytest.raises(ConnectionError):
            list(belt.work_off(3))
        list(belt.work_off(3))

    assert asked == [[1, 2, 3], [2, 3]]
    assert results(groups) == [2, 4, 6]


def test_items_are_taken_as_they_are_needed(here) -> None:
    taken: list[int] = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    with Belt(items(), here, lambda _: None) as belt:
        list(belt.work_off(3))

    assert len(taken) <= 5


def test_actors_come_up_once_for_all_batches(monkeypatch) -> None:
    started = []
    start = Pool._start
    monkeypatch.setattr(Pool, "_start", lambda pool: (started.append(pool), start(pool)))
    groups: list[list[Done]] = []
    with (
        cluster(None, 2),
        Pool(Doubler, actors=2, in_hand=2) as pool,
        Belt(range(30), pool, groups.append) as belt,
    ):
        committed = in_batches(belt, 4)

    assert committed == 30
    assert len(started) == 2


def test_where_an_item_cannot_be_taken_no_further_try_is_through(here) -> None:
    def items():
        yield 1
        message = "the lake is away"
        raise OSError(message)

    groups: list[list[Done]] = []
    with Belt(items(), here, groups.append) as belt:
        for _ in range(2):
            with pytest.raises(OSError, match="the lake is away"):
                list(belt.work_off(5))
        assert not belt.is_through
