"""Quantiles of pressures: in their order, and by the cuff where there is one."""

import pytest
import torch

from models.tricardio.levels import (
    FEATURES,
    LEVELS,
    MIDDLE,
    QUANTILES,
    Levels,
    Moment,
    Reference,
    pinball,
    quantile,
)


@pytest.fixture(scope="module")
def levels(one_thread) -> Levels:
    torch.manual_seed(0)
    return Levels(heads=2).eval()


def moment(n: int, spread: float = 1.0) -> Moment:
    torch.manual_seed(n)
    features = spread * torch.randn(n, FEATURES)
    return Moment(features, torch.rand(n, 2) + 0.5, torch.randn(n, 2))


def reference(then: Moment, sbp: float, dbp: float) -> Reference:
    rows = torch.ones(len(then.features))
    return Reference(then, sbp * rows, dbp * rows, 600 * rows)


@torch.inference_mode()
def test_quantiles_ascend_whatever_the_features(levels) -> None:
    now = moment(20, spread=30)
    for cuff in (None, reference(moment(20), 150.0, 60.0)):
        told = levels(now, cuff)

        assert told.shape == (20, len(LEVELS), len(QUANTILES))
        assert (told.diff(dim=2) >= 0).all()


@torch.inference_mode()
def test_a_higher_cuff_is_a_higher_pressure(levels) -> None:
    now = moment(5)
    low, high = (levels(now, reference(now, sbp, sbp / 2))[:, 0, MIDDLE] for sbp in (90, 190))

    assert (high > low).all()


@torch.inference_mode()
def test_a_window_without_a_reading_is_told_as_if_there_were_no_cuff_at_all(levels) -> None:
    now = moment(4)
    cuff = reference(moment(4), 140.0, 80.0)
    cuff.sbp[2], cuff.dbp[2] = torch.nan, torch.nan

    torch.testing.assert_close(levels(now, cuff)[2], levels(now, None)[2])


@torch.inference_mode()
def test_gain_and_offset_of_a_monitor_have_no_say(levels) -> None:
    now, then = moment(6), moment(6, spread=0.5)
    cuff = reference(then, 130.0, 70.0)
    scaled = [Moment(m.features, 1000 * m.half, 1000 * m.middle + 7) for m in (now, then)]
    other = reference(scaled[1], 130.0, 70.0)

    torch.testing.assert_close(levels(scaled[0], other), levels(now, cuff), atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(levels(scaled[0], None), levels(now, None))


@torch.inference_mode()
def test_a_signal_that_is_not_there_at_one_of_the_moments_is_no_change(levels) -> None:
    now = moment(3)
    absent = Moment(now.features, now.half * torch.nan, now.middle * torch.nan)

    assert levels(now, reference(absent, 130.0, 70.0)).isfinite().all()


@torch.inference_mode()
def test_features_that_are_untold_count_as_usual(levels) -> None:
    now, head = moment(3), Levels(heads=1).eval()
    head.heads[0].standardise(100 + 5 * moment(200).features)
    untold = Moment(torch.full_like(now.features, torch.nan), now.half, now.middle)
    usual = Moment(head.heads[0].middle.expand(3, -1), now.half, now.middle)

    torch.testing.assert_close(head(untold, None), head(usual, None))


def test_what_never_varies_or_is_never_told_is_no_scale() -> None:
    features = moment(50).features
    features[:, 3], features[:, 4] = 7.0, torch.nan
    head = Levels(heads=1).heads[0]
    head.standardise(features)

    assert head.range[3] == head.range[4] == 1
    assert head.middle[3] == 7
    assert head.range.isfinite().all()


def test_the_loss_is_least_at_the_truths_own_quantiles() -> None:
    truth = torch.linspace(0, 1, 1001)[:, None]
    own = torch.tensor(QUANTILES).expand(1001, 1, -1)

    assert pinball(own, truth) < pinball(own + 0.05, truth)
    assert pinball(own, truth) < pinball(own - 0.05, truth)
    assert pinball(own[:1], torch.tensor([[torch.nan]])).isnan()


def test_between_told_quantiles_it_goes_along_the_normal_deviate() -> None:
    deviates = torch.special.ndtri(torch.tensor(QUANTILES))
    told = (100 + 10 * deviates).expand(3, -1)
    asked = torch.tensor([-2.0, -0.3, 0.0, 1.0]).expand(3, -1)

    torch.testing.assert_close(quantile(told, asked), 100 + 10 * asked)
