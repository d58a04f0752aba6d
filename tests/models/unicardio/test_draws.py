import pytest
import torch

from models.unicardio.draws import seeded
from models.unicardio.tasks import restore, translate

TASK, OTHER = translate("ppg", "abp"), restore("ppg")


def test_a_windows_draws_follow_from_its_seed_alone() -> None:
    alone = seeded({TASK: [7]}, 3, 2)(TASK, 0)
    among = seeded({TASK: [1, 7, 3], OTHER: [9, 9, 9]}, 3, 2)

    assert alone.shape == (3, 2, 500)
    assert torch.equal(among(TASK, 1), alone)
    assert torch.equal(among(TASK, 1), alone)
    assert not torch.equal(among(TASK, 0), alone)
    assert not torch.equal(among(OTHER, 1), alone)


@pytest.mark.parametrize("n_draws", [1, 3, 51])
@pytest.mark.parametrize("n_samples", [1, 2, 4, 5])
def test_more_samples_leave_the_first_ones_as_they_were(n_samples, n_draws) -> None:
    few, many = (seeded({TASK: [5]}, n, n_draws)(TASK, 0) for n in (n_samples, n_samples + 1))

    assert torch.equal(many[:n_samples], few)


def test_every_seed_of_the_lake_can_be_used() -> None:
    largest = seeded({TASK: [2**63 - 1]}, 1, 1)(TASK, 0)

    assert largest.isfinite().all()
    assert abs(float(largest.mean())) < 0.2
