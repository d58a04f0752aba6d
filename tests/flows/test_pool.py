import os
import threading
from functools import partial
from pathlib import Path

import pytest
import ray
import torch

from flows.actors.cluster import cluster
from flows.actors.pool import Pool
from ops.unserved import MOST_UNSERVED, SourceDownError, Unserved


class Halver:
    """Halves even numbers; odd ones raise, and 13 takes its whole process with it."""

    def __init__(self, seen: Path) -> None:
        self._seen = seen

    def work(self, item: int) -> int:
        with self._seen.open("a") as file:
            file.write(f"{item}\n")
        if item == 13:
            os._exit(1)
        if item % 2:
            message = f"{item} is odd"
            raise ValueError(message)
        return item // 2


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen"


def tries(seen: Path, item: int) -> int:
    return seen.read_text().split().count(str(item))


def test_every_item_comes_back_with_its_result(seen) -> None:
    with Pool(partial(Halver, seen), actors=0) as pool:
        done = {d.item: d.result for d in pool.work_through([2, 4, 6])}

    assert done == {2: 1, 4: 2, 6: 3}


def test_an_item_that_raises_is_tried_so_often_and_then_told(seen) -> None:
    with Pool(partial(Halver, seen), actors=0, attempts=3) as pool:
        failed = [d for d in pool.work_through([2, 5]) if d.error]

    assert [(d.item, d.attempts, str(d.error)) for d in failed] == [(5, 3, "5 is odd")]
    assert tries(seen, 5) == 3


def test_no_item_makes_no_worker() -> None:
    def never() -> Halver:
        raise AssertionError

    with Pool(never, actors=0) as pool:
        assert list(pool.work_through([])) == []


def test_an_actor_that_dies_costs_its_item_alone(seen) -> None:
    with cluster(None, 2), Pool(partial(Halver, seen), actors=2, attempts=3) as pool:
        done = {d.item: d for d in pool.work_through([2, 13, 4, 5, 6, 8])}
        again = {d.item: d.result for d in pool.work_through([10, 12])}

    assert {item: d.result for item, d in done.items() if d.error is None} == {
        2: 1,
        4: 2,
        6: 3,
        8: 4,
    }
    assert {item for item, d in done.items() if d.error} == {5, 13}
    assert str(done[5].error) == "5 is odd"
    assert tries(seen, 13) == 3
    assert again == {10: 5, 12: 6}


def test_work_that_was_left_half_way_leaves_its_actors_for_the_next(seen) -> None:
    with cluster(None, 2), Pool(partial(Halver, seen), actors=2) as pool:
        left = pool.work_through(range(0, 40, 2))
        assert next(left).error is None
        again = {d.item: d.result for d in pool.work_through([8, 10])}

    assert again == {8: 4, 10: 5}


def test_what_was_in_hand_beside_a_killer_is_not_given_up_for_it(seen) -> None:
    with (
        cluster(None, 2),
        Pool(partial(Halver, seen), actors=2, attempts=2, in_hand=3) as pool,
    ):
        done = list(pool.work_through([2, 4, 13, 6, 8, 10, 12]))

    assert {d.item: d.result for d in done if d.error is None} == {
        item: item // 2 for item in (2, 4, 6, 8, 10, 12)
    }
    assert [(d.item, d.attempts) for d in done if d.error] == [(13, 2)]


class Meeting:
    """Ends its work only when as many are at work as were asked for."""

    def __init__(self, wanted: int) -> None:
        self._all_there = threading.Barrier(wanted, timeout=30)

    def work(self, item: int) -> int:
        self._all_there.wait()
        return item


def test_an_actor_has_several_items_in_hand_at_once() -> None:
    out = []
    with cluster(None, 1), Pool(partial(Meeting, 3), actors=1, attempts=2, in_hand=3) as pool:
        done = []
        for one in pool.work_through(range(9)):
            done.append(one)
            out.append(sum(map(len, pool._actors.values())))

    assert sorted(d.result for d in done) == list(range(9))
    assert max(out) < 3


def test_a_cluster_of_our_own_leaves_with_the_block() -> None:
    with cluster(None, 1):
        assert ray.is_initialized()

    assert not ray.is_initialized()


def test_actors_that_find_no_room_keep_no_item_waiting(seen) -> None:
    with (
        cluster(None, 1),
        Pool(partial(Halver, seen), actors=5) as pool,
    ):
        done = {d.item: d.result for d in pool.work_through(range(0, 20, 2))}

    assert done == {item: item // 2 for item in range(0, 20, 2)}


def test_where_no_actor_can_come_up_the_work_fails_and_no_item_is_charged(seen) -> None:
    def broken() -> Halver:
        message = "no weights here"
        raise ValueError(message)

    with (
        cluster(None, 1),
        Pool(broken, actors=1, attempts=2) as pool,
        pytest.raises(Exception, match="no weights here"),
    ):
        list(pool.work_through([2]))


def test_where_some_actors_cannot_come_up_the_others_do_the_work(seen, tmp_path) -> None:
    def first_alone() -> Halver:
        (tmp_path / "only one").mkdir()  # fails for any other
        return Halver(seen)

    with cluster(None, 2), Pool(first_alone, actors=2, attempts=2) as pool:
        done = list(pool.work_through(range(0, 20, 2)))

    assert sorted(d.result for d in done) == list(range(10))


def test_where_the_last_actor_dies_and_no_other_comes_up_the_work_fails(seen, tmp_path) -> None:
    def first_alone() -> Halver:
        (tmp_path / "only one").mkdir()
        return Halver(seen)

    with (
        cluster(None, 2),
        Pool(first_alone, actors=2, attempts=2) as pool,
        pytest.raises(Exception, match="only one"),
    ):
        list(pool.work_through([2, 4, 6, 8, 13]))


def test_a_worker_that_cannot_be_made_in_this_process_is_told(seen) -> None:
    def broken() -> Halver:
        message = "no weights here"
        raise ValueError(message)

    with Pool(broken, actors=0) as pool, pytest.raises(ValueError, match="no weights here"):
        list(pool.work_through([2]))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_gpu_that_is_not_there_is_told_and_not_waited_for(workers) -> None:
    there = torch.cuda.device_count()

    with (
        pytest.raises(ValueError, match=f"take {there + 1} GPUs, and this machine has {there}"),
        cluster(None, workers, gpus_per_worker=there + 1),
    ):
        pass


class Unheard:
    """Asks a source that answers a few times, or for even numbers alone."""

    def __init__(self, seen: list[int], answers: int) -> None:
        self._seen, self._answers = seen, answers

    def work(self, item: int) -> int:
        self._seen.append(item)
        if len(self._seen) > self._answers and item % 2:
            message = f"{item} in /srv could not be read: no answer"
            raise TimeoutError(message)
        return item


def test_items_that_their_source_does_not_give_are_tried_again_last() -> None:
    seen: list[int] = []
    make = partial(Unheard, seen, 0)
    with Pool(make, actors=0, attempts=2, unserved=Unserved("/srv")) as pool:
        done = list(pool.work_through([1, 2, 3, 4]))

    assert seen == [1, 2, 3, 4, 1, 3]
    assert [d.item for d in done if d.error] == [1, 3]


def test_a_source_that_gives_nothing_any_more_ends_the_work() -> None:
    seen: list[int] = []
    done = []
    with (
        Pool(partial(Unheard, seen, 2), actors=0, unserved=Unserved("/srv")) as pool,
        pytest.raises(SourceDownError, match=r"asked for 8 files in a row .*\(no answer\)"),
    ):
        done.extend(pool.work_through(range(1, 101, 2)))

    assert [d.result for d in done] == [1, 3]
    assert len(seen) == 2 + MOST_UNSERVED
