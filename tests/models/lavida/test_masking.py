from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lavida.masking import LEAST, complement, draw_masks, masked_loss


@st.composite
def some_maskable(draw) -> torch.Tensor:
    """Where a mask may be: up to 5 answers of up to 12 tokens."""
    length = draw(st.integers(1, 12))
    answer = st.lists(st.booleans(), min_size=length, max_size=length)
    return torch.tensor(draw(st.lists(answer, min_size=1, max_size=5)))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None)
@given(some_maskable(), st.integers(0, 2**31))
def test_a_mask_and_its_complement_partition_what_may_be_masked(maskable, seed) -> None:
    p, mask = draw_masks(maskable, seeded(seed))
    other = complement(mask, maskable)

    assert not (mask & other).any()
    assert torch.equal(mask | other, maskable)
    assert torch.equal(mask.any(dim=1), maskable.any(dim=1))
    assert ((p >= LEAST) & (p <= 1)).all()


def test_tokens_are_masked_with_the_probability_that_is_told() -> None:
    p, mask = draw_masks(torch.ones(500, 2000, dtype=torch.bool), seeded(0))

    torch.testing.assert_close(mask.float().mean(dim=1), p, atol=0.05, rtol=0)
    assert p.mean() == pytest.approx(0.5, abs=0.05)


def test_a_seed_draws_the_same_masks_again() -> None:
    maskable = torch.ones(3, 40, dtype=torch.bool)
    first, again, other = (draw_masks(maskable, seeded(seed))[1] for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.fixture
def sure() -> torch.Tensor:
    """Logits of two answers of two tokens: word 0 has 1/2 in the first, 1/4 in the second."""
    logits = torch.zeros(2, 2, 4)
    logits[0, :, 0] = log(3)
    return logits


WORD_0 = torch.zeros(2, 2, dtype=torch.long)
P = torch.tensor([0.5, 0.25])


def test_by_the_mean_each_masked_token_counts_alike(sure) -> None:
    mask = torch.tensor([[True, True], [True, False]])
    loss = masked_loss(sure, WORD_0, mask, P, "mean")

    assert loss.item() == pytest.approx((log(2) + log(2) + log(4)) / 3)


def test_by_time_each_masked_token_counts_as_the_inverse_of_its_probability(sure) -> None:
    mask = torch.tensor([[True, False], [True, False]])
    loss = masked_loss(sure, WORD_0, mask, P, "time")

    assert loss.item() == pytest.approx((2 * log(2) + 4 * log(4)) / 4)


@pytest.mark.parametrize("weighting", ["mean", "time"])
def test_what_is_not_masked_teaches_nothing(sure, weighting) -> None:
    mask = torch.tensor([[True, False], [False, False]])
    logits = sure.requires_grad_()
    masked_loss(logits, WORD_0, mask, P, weighting).backward()

    assert torch.equal(logits.grad.any(dim=2), mask)


@pytest.mark.parametrize("weighting", ["mean", "time"])
def test_of_no_masked_token_the_loss_is_zero(sure, weighting) -> None:
    logits = sure.requires_grad_()
    loss = masked_loss(logits, WORD_0, WORD_0 > 0, P, weighting)
    loss.backward()

    assert loss.item() == 0
    assert not logits.grad.any()
