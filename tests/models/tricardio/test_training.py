"""A training that is stopped and resumed is the one that was not."""

import pytest
import torch

from models.training import Plan, Trainer
from models.tricardio.architecture import Sizes
from models.tricardio.examples import Examples, examples_of
from models.tricardio.training import tricardio_trainer

SMALL = Sizes(width=16, depth=1, heads=2, flow_width=16, flow_depth=1, flow_heads=2)
PLAN = Plan(steps=8, rate=1e-2)


def draw(step: int) -> Examples:
    generator = torch.Generator().manual_seed(step)
    t = torch.arange(600) / 125
    phase = 6 * torch.rand(4, 3, 1, generator=generator)
    clean = torch.sin(2 * torch.pi * 1.2 * t + phase)
    seen = clean.clone()
    seen[:, 0, 100:300] = torch.nan
    seen[:2, 1] = torch.nan
    fit = torch.ones(4, 3, dtype=torch.bool)
    return examples_of(clean, fit, seen, torch.zeros(4, 3, dtype=torch.bool))


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [*trainer.network.state_dict().values(), *trainer.averaged.state_dict().values()]


def test_killed_and_resumed_it_ends_with_the_same_weights(one_thread, tmp_path) -> None:
    through = tricardio_trainer(SMALL, PLAN)
    for _ in range(8):
        through.advance(draw)
    stopped = tricardio_trainer(SMALL, PLAN)
    for _ in range(3):
        stopped.advance(draw)
    stopped.save(tmp_path / "state.safetensors")
    torch.rand(7)  # what else was drawn meanwhile has no say
    resumed = tricardio_trainer(SMALL, PLAN)
    resumed.load(tmp_path / "state.safetensors")
    for _ in range(5):
        resumed.advance(draw)

    assert resumed.step == 8
    for one, other in zip(weights(through), weights(resumed), strict=True):
        assert torch.equal(one, other)


def test_the_loss_falls(one_thread) -> None:
    trainer = tricardio_trainer(SMALL, Plan(steps=40, rate=1e-2))
    losses = [float(trainer.advance(draw)["loss"]) for _ in range(40)]

    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU to train on")
def test_the_loss_falls_on_a_gpu() -> None:
    trainer = tricardio_trainer(SMALL, Plan(steps=40, rate=1e-2), "cuda")
    losses = [float(trainer.advance(draw)["loss"]) for _ in range(40)]

    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_a_state_of_another_size_is_refused_by_name(tmp_path) -> None:
    tricardio_trainer(SMALL, PLAN).save(tmp_path / "state.safetensors")
    other = tricardio_trainer(Sizes(**{**SMALL.model_dump(), "width": 32}), PLAN)

    with pytest.raises(ValueError, match=r"state\.safetensors is the state of a training of anoth"):
        other.load(tmp_path / "state.safetensors")


def test_a_loss_that_is_no_number_ends_the_training_by_its_step(one_thread) -> None:
    trainer = tricardio_trainer(SMALL, PLAN)
    with torch.no_grad():
        trainer.network.encoder.position.fill_(torch.nan)

    with pytest.raises(FloatingPointError, match="the loss at step 0 is nan"):
        trainer.advance(draw)


def test_the_rate_rises_holds_and_falls() -> None:
    plan = Plan(steps=10_000, rate=1.0)

    assert plan.rate_at(0) == pytest.approx(1 / 200)
    assert plan.rate_at(3000) == 1
    assert plan.rate_at(8000) == pytest.approx(0.5)
    assert plan.rate_at(9999) < 1e-3


@pytest.mark.parametrize("modality", range(3))
def test_what_was_not_observed_weighs_most_and_what_is_no_truth_nothing(modality) -> None:
    clean = torch.sin(torch.arange(600) / 9).expand(1, 3, 600).clone()
    clean[0, modality, :50] = torch.nan
    seen = clean.clone()
    seen[0, modality, 200:250] = torch.nan
    fit = torch.ones(1, 3, dtype=torch.bool)
    made = examples_of(clean, fit, seen, torch.zeros(1, 3, dtype=torch.bool))
    unfit = examples_of(clean, ~fit, seen, torch.zeros(1, 3, dtype=torch.bool))

    assert (made.weight[0, modality, :50] == 0).all()
    assert (made.weight[0, modality, 200:250] == 1).all()
    assert (made.weight[0, modality, 250:] < 0.1).all()
    assert (unfit.weight == 0).all()
