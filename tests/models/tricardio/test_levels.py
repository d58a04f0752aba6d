"""Quantiles of pressures: in their order, and by the cuff where there is one."""

import pytest
import torch

from models.tricardio.levels import (
    LEVELS,
    MIDDLE,
    QUANTILES,
    LevelHead,
    Moment,
    Reference,
    pinball,
)


@pytest.fixture(scope="module")
def head(one_thread) -> LevelHead:
    torch.manual_seed(0)
    return LevelHead(16).eval()


def moment(n: int, size: float = 1.0) -> Moment:
    return Moment(size * torch.randn(n, 32), 1 + torch.rand(n, 2), torch.randn(n, 2))


def reference(then: Moment, sbp: float, dbp: float) -> Reference:
    rows = torch.ones(len(then.tokens))
    return Reference(then, sbp * rows, dbp * rows, 600 * rows)


@torch.inference_mode()
def test_quantiles_ascend_whatever_the_tokens(head) -> None:
    now = moment(20, size=30)
    for cuff in (None, reference(moment(20), 150.0, 60.0)):
        told = head(now, cuff)

        assert told.shape == (20, len(LEVELS), len(QUANTILES))
        assert (told.diff(dim=2) >= 0).all()


@torch.inference_mode()
def test_a_higher_cuff_is_a_higher_pressure(head) -> None:
    now = moment(5)
    low, high = (head(now, reference(now, sbp, sbp / 2))[:, 0, MIDDLE] for sbp in (90, 190))

    assert (high > low).all()


@torch.inference_mode()
def test_a_window_without_a_reading_is_told_as_if_there_were_no_cuff_at_all(head) -> None:
    now = moment(4)
    cuff = reference(moment(4), 140.0, 80.0)
    cuff.sbp[2], cuff.dbp[2] = torch.nan, torch.nan
    told, without = head(now, cuff), head(now, None)

    torch.testing.assert_close(told[2], without[2])
    assert not torch.allclose(told[1], without[1])


def test_the_loss_is_least_at_the_truths_own_quantiles() -> None:
    truth = torch.linspace(0, 1, 1001)[:, None]
    own = torch.tensor(QUANTILES).expand(1001, 1, -1)

    assert pinball(own, truth) < pinball(own + 0.05, truth)
    assert pinball(own, truth) < pinball(own - 0.05, truth)
    assert pinball(own[:1], torch.tensor([[torch.nan]])).isnan()
