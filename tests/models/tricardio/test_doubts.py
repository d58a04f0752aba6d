"""A copy is doubted as far as it was wrong where it can be checked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tricardio.architecture import POSITIONS
from models.tricardio.doubts import DOUBTS, doubts_of
from models.tricardio.echoes import ECHOES

OWN = slice(0, ECHOES)
OTHERS = slice(ECHOES, 2 * ECHOES)
APART = -1


def drawn(seed: int, rows: int = 1) -> tuple[torch.Tensor, ...]:
    """Signals, what is known of them, copies with errors, and where these are."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, 600, generator=generator)
    gap = torch.rand(rows, 3, 24, generator=generator) < 0.3
    mask = ~gap.repeat_interleave(25, dim=2)
    some = torch.rand(rows, 3, ECHOES, 12, generator=generator) < 0.8
    there = some.repeat_interleave(50, dim=3)
    error = 0.3 * torch.randn(rows, 3, ECHOES, 600, generator=generator)
    return x * mask, mask, (x[:, :, None] + error) * there, there


def worse(x: torch.Tensor, copies: torch.Tensor, m: int, copy: int, by: float) -> torch.Tensor:
    made = copies.clone()
    made[:, m, copy] = x[:, m] + by * (copies[:, m, copy] - x[:, m])
    return made


@given(st.integers(0, 1000), st.integers(0, 2), st.integers(0, ECHOES - 1), st.floats(1.5, 10))
@settings(max_examples=20, deadline=None)
def test_a_worse_copy_is_doubted_more_and_no_other_less(seed, m, copy, by) -> None:
    x, mask, copies, there = drawn(seed)
    before = doubts_of(x, mask, copies, there)
    after = doubts_of(x, mask, worse(x, copies, m, copy, by), there)
    rise = after - before

    assert (rise[:, m, copy] > 0).all()
    assert (rise[:, :, ECHOES + copy].amax(dim=2) > 0).all()
    assert (rise[:, :, : 2 * ECHOES] > -1e-4).all()
    unlike = [c for c in range(ECHOES) if c != copy]
    torch.testing.assert_close(after[:, :, unlike], before[:, :, unlike])


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_doubts_are_a_windows_own_and_blind_to_what_is_missing(seed) -> None:
    x, mask, copies, there = drawn(seed, rows=3)
    together = doubts_of(x, mask, copies, there)
    alone = doubts_of(*(part[1:2] for part in (x, mask, copies, there)))
    filled = doubts_of(torch.where(mask, x, 7), mask, torch.where(there, copies, -7), there)

    assert together.shape == (3, 3, DOUBTS, POSITIONS)
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(filled, together, rtol=0, atol=1e-5)


def test_where_nothing_can_be_checked_doubts_are_finite_and_large() -> None:
    x, mask, copies, there = drawn(0)
    nothing = torch.zeros_like(mask)
    unchecked = doubts_of(torch.zeros_like(x), nothing, copies, there)
    no_copies = doubts_of(x, mask, torch.zeros_like(copies), torch.zeros_like(there))
    checked = doubts_of(x, mask, copies, there)

    usual = torch.tensor(3 / 10).log().expand_as(checked[:, :, : 2 * ECHOES])
    for blind in (unchecked, no_copies):
        assert blind.isfinite().all()
        torch.testing.assert_close(blind[:, :, : 2 * ECHOES], usual)
    assert (checked[:, :, OWN] < usual[:, :, OWN]).all()


def test_where_no_other_modality_can_be_checked_their_copies_are_doubted_as_all_are() -> None:
    x, mask, copies, there = drawn(0)
    mask[:, 1:] = False
    doubts = doubts_of(x, mask, copies, there).exp()

    expected = doubts[:, :, OWN].mean(dim=1)
    torch.testing.assert_close(doubts[:, 0, OTHERS], expected)


def test_signals_as_far_off_as_the_scale_allows_give_finite_doubts() -> None:
    ones = torch.ones(1, 3, 600)
    everywhere = torch.ones(1, 3, ECHOES, 600, dtype=torch.bool)
    far = torch.tensor([8.0, -8.0, 8.0]).view(1, 1, ECHOES, 1).expand(1, 3, ECHOES, 600)
    exact = doubts_of(8 * ones, ones > 0, 8 * everywhere.float(), everywhere)
    wrong = doubts_of(-8 * ones, ones > 0, far, everywhere)

    assert exact[:, :, OTHERS].amin().exp() == pytest.approx(1e-4)
    assert wrong.isfinite().all()
    assert (exact[:, :, 0] < wrong[:, :, 0] - 5).all()


def test_a_copy_is_doubted_most_near_where_it_was_wrong() -> None:
    x = torch.zeros(1, 3, 600)
    everywhere = torch.ones(1, 3, ECHOES, 600, dtype=torch.bool)
    copies = torch.zeros(1, 3, ECHOES, 600)
    right = doubts_of(x, x == 0, copies, everywhere)
    copies[0, 0, 0, 100:150] = 1
    doubts = doubts_of(x, x == 0, copies, everywhere)

    own, others, apart = doubts[0, 0, 0], doubts[0, 1, ECHOES], doubts[0, 0, APART]
    for told, reach in ((own, 15), (others, 5), (apart, 2)):
        assert told[20:30].min() > told[: 20 - reach].max()
        assert told[20:30].min() > told[30 + reach :].max()
        assert told[29 + reach] > told[30 + reach] + 0.01
    assert torch.equal(doubts[0, 1:, OWN], right[0, 1:, OWN])
    assert torch.equal(doubts[0, 1:, APART], right[0, 1:, APART])
