"""Trainers that train together learn from what all of them draw, and stay the same."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from torch import Tensor, nn

from models.together import ALONE, Together
from models.training import Plan, Trainer
from models.tricardio.architecture import Sizes
from models.tricardio.examples import Examples, examples_of
from models.tricardio.training import tricardio_trainer

SMALL = Sizes(width=16, depth=1, heads=2, flow_width=16, flow_depth=1, flow_heads=2)
PLAN = Plan(steps=8, rate=1e-2)


def draw(seed: int) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    clean = torch.sin(torch.arange(600) / 20 + 6 * torch.rand(2, 3, 1, generator=generator))
    seen = clean.clone()
    seen[:, 0, 100:300] = torch.nan
    there = torch.ones(2, 3, dtype=torch.bool)
    return examples_of(clean, there, seen, ~there)


def in_two_threads() -> list[Together]:
    """Two that add up by waiting for each other."""
    barrier, parts = Barrier(2, timeout=60), [torch.empty(0)] * 2

    def adder(rank: int):
        def add(tensor: Tensor) -> None:
            parts[rank] = tensor.clone()
            barrier.wait()
            tensor.copy_(parts[0] + parts[1])
            barrier.wait()

        return add

    return [Together(rank, 2, adder(rank)) for rank in (0, 1)]


def weights(trainer: Trainer) -> list[Tensor]:
    return [*trainer.network.parameters(), *trainer.averaged.parameters()]


def all_equal(one: Trainer, other: Trainer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_two_that_draw_apart_have_equal_weights_after_each_step(one_thread) -> None:
    trainers = [tricardio_trainer(SMALL, PLAN, together=together) for together in in_two_threads()]
    equal = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            steps = [pool.submit(t.advance, lambda _, t=t: draw(t.together.rank)) for t in trainers]
            told = [step.result() for step in steps]
            equal.append(all_equal(*trainers))
    first_alone = tricardio_trainer(SMALL, PLAN)
    for _ in range(3):
        first_alone.advance(lambda _: draw(0))

    assert equal == [True] * 3
    assert told[0]["loss"] == told[1]["loss"]
    assert not all_equal(trainers[0], first_alone)


def test_a_gradient_and_what_is_told_become_their_means_over_both() -> None:
    network = nn.Linear(2, 1)
    network.weight.grad = torch.tensor([[1.0, -2.0]])
    network.bias.grad = torch.tensor([4.0])
    other = torch.tensor([3.0, 2.0, 0.0, 5.0])
    both = Together(0, 2, lambda flat: flat.add_(other))
    told = both.average(network, {"loss": torch.tensor(1.0)})

    assert network.weight.grad.tolist() == [[2.0, 0.0]]
    assert network.bias.grad.tolist() == [2.0]
    assert {name: float(value) for name, value in told.items()} == {"loss": 3.0}


def test_a_weight_that_one_had_no_use_of_learns_from_the_other() -> None:
    network = nn.Linear(2, 1, bias=False)
    both = Together(0, 2, lambda flat: flat.add_(torch.tensor([6.0, 8.0])))
    both.average(network, {})

    assert network.weight.grad.tolist() == [[3.0, 4.0]]


def test_alone_a_weight_without_a_gradient_keeps_none() -> None:
    network = nn.Linear(2, 1)
    told = {"loss": torch.tensor(1.0)}

    assert ALONE.average(network, told) is told
    assert network.weight.grad is None


def test_a_loss_that_is_no_number_at_one_ends_the_training_of_all(one_thread) -> None:
    other_is_nan = Together(0, 2, lambda flat: flat.fill_(torch.nan))
    trainer = tricardio_trainer(SMALL, PLAN, together=other_is_nan)

    with pytest.raises(FloatingPointError, match="the loss at step 0 is nan"):
        trainer.advance(draw)


def test_each_draws_noise_of_its_own(one_thread) -> None:
    def same(flat: Tensor) -> Tensor:
        return flat.mul_(2)

    told = [
        tricardio_trainer(SMALL, PLAN, together=Together(rank, 2, same)).advance(draw)
        for rank in (0, 1)
    ]

    assert torch.equal(told[0]["squared"], told[1]["squared"])
    assert told[0]["loss"] != told[1]["loss"]
