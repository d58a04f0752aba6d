import threading
import time
from itertools import pairwise

import pytest

from flows.actors.device import Busy, Device, Worked, busy_share
from ops.restore import ClassicalRestorer


class Counting(ClassicalRestorer):
    """Counts how many are in it at once; a batch is a name here."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.most = 0

    def restore(self, batch):
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.02)
        self.inside -= 1
        if batch == "broken":
            raise ValueError(batch)
        return batch


def test_a_device_has_one_batch_at_a_time() -> None:
    restorer = Counting()
    device = Device(restorer)
    turns = [device.turn() for _ in range(4)]
    threads = [threading.Thread(target=turn.restore, args=("batch",)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert restorer.most == 1
    busy = sorted(turn.busy[0] for turn in turns)
    assert all(one.ended <= two.began for one, two in pairwise(busy))


def test_a_batch_that_fails_leaves_the_device_free_and_is_timed_too() -> None:
    turn = Device(Counting()).turn()

    with pytest.raises(ValueError, match="broken"):
        turn.restore("broken")
    assert turn.restore("whole") == "whole"
    assert len(turn.busy) == 2


def test_a_turn_is_called_as_its_restorer_is() -> None:
    restorer = ClassicalRestorer()
    turn = Device(restorer).turn()
    told = ("model_id", "model_sha256", "sampler", "steps", "n_samples")

    assert [getattr(turn, name) for name in told] == [getattr(restorer, name) for name in told]
    assert turn.can("impute", "ecg") == restorer.can("impute", "ecg")


def test_devices_are_busy_from_their_own_first_turn_to_the_last_of_all() -> None:
    def worked(*turns: tuple[float, float]) -> Worked:
        device = Worked()
        for turn in turns:
            device.add([Busy(*turn)])
        return device

    both = {"a": worked((0, 4), (5, 10)), "b": worked((5, 8))}

    assert busy_share(both) == pytest.approx((9 + 3) / (10 + 5))
    assert busy_share({"a": worked((1, 2))}) == 1.0
    assert busy_share({"a": worked((1, 1)), "b": worked()}) == 1.0
    assert busy_share({"a": worked()}) is None
    assert busy_share({}) is None
