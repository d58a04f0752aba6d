"""The lag of a copy follows the beats where they come faster or slower than the window's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tricardio.tracking import WITHIN, slopes_of, tracked

T = torch.arange(600)
LAG = torch.tensor([92])


def period(first: float, last: float) -> torch.Tensor:
    """Samples a beat, rising or falling evenly along the window: (600,)."""
    return first + (last - first) * T / 600


def beats(first: float, last: float, at: float, wide: float = 0.05) -> torch.Tensor:
    """A pulse a beat, at a share of it: (600,)."""
    rise = (last - first) / 600
    phase = (period(first, last) / first).log() / rise
    return torch.exp(-((((phase - at + 0.5) % 1 - 0.5) / wide) ** 2))


def beat_before(first: float, last: float) -> torch.Tensor:
    """Samples since the same moment of the beat before: (600,)."""
    rise = torch.tensor((last - first) / 600)
    return period(first, last) * -torch.expm1(-rise) / rise


def beat_after(first: float, last: float) -> torch.Tensor:
    rise = torch.tensor((last - first) / 600)
    return period(first, last) * torch.expm1(rise) / rise


def window(*signals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    nothing = torch.full((600,), torch.nan)
    x = torch.stack([*signals, *[nothing] * (3 - len(signals))])[None]
    return x.nan_to_num(0), x.isfinite()


def lags_of(*signals: torch.Tensor, lag: torch.Tensor = LAG) -> torch.Tensor:
    return tracked(slopes_of(*window(*signals)), lag)[0]


def some_window(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with gaps, some modalities of it absent."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 3, 600, generator=generator)
    gap = torch.rand(1, 3, 24, generator=generator) < 0.3
    absent = torch.rand(1, 3, 1, generator=generator) < 0.3
    mask = ~(gap.repeat_interleave(25, dim=2) | absent)
    return x * mask, mask


@pytest.mark.parametrize(("first", "last"), [(84, 100), (100, 84), (72, 82)])
def test_a_period_that_drifts_is_followed_both_ways(first, last) -> None:
    signal = beats(first, last, 0.3)
    before, after = beat_before(first, last), beat_after(first, last)
    lag = torch.tensor([(first + last) // 2])
    told = lags_of(signal, lag=lag)
    ahead = lags_of(signal, lag=-lag)

    assert ((before - lag).abs() > 3)[120:].sum() > 100
    assert ((after - lag).abs() > 3)[:480].sum() > 100
    torch.testing.assert_close(told[120:].float(), before[120:], atol=2, rtol=0)
    torch.testing.assert_close(-ahead[:480].float(), after[:480], atol=2, rtol=0)


def test_a_gap_is_bridged_by_the_lag_that_another_modality_shows_within_it() -> None:
    before = beat_before(84, 100)
    gap, deep = slice(300, 560), slice(360, 500)
    holed = beats(84, 100, 0.3)
    holed[gap] = torch.nan
    other = beats(84, 100, 0.6, wide=0.1)
    lag = torch.tensor([86])
    alone, both = lags_of(holed, lag=lag), lags_of(holed, other, lag=lag)

    assert (alone[deep] - before[deep]).abs().min() > 3
    torch.testing.assert_close(both[gap].float(), before[gap], atol=2, rtol=0)


def test_where_nothing_tells_otherwise_the_lag_is_the_windows() -> None:
    nothing = torch.full((600,), torch.nan)
    short = beats(92, 92.001, 0.5)
    short[80:] = torch.nan

    assert (lags_of(nothing) == 92).all()
    assert (lags_of(short)[300:] == 92).all()


@given(st.integers(0, 1000), st.integers(38, 250), st.sampled_from([-2, -1, 1, 2]))
@settings(max_examples=10, deadline=None)
def test_a_lag_is_near_the_windows_and_the_same_whatever_it_comes_with(seed, lag, beat) -> None:
    (x, mask), (other, other_mask) = some_window(seed), some_window(seed + 1)
    lags = torch.tensor([beat * lag])
    alone = tracked(slopes_of(x, mask), lags)
    slopes = slopes_of(torch.cat([other, x]), torch.cat([other_mask, mask]))
    together = tracked(slopes, torch.cat([-lags + 3, lags]))

    assert alone.shape == (1, 600)
    assert ((alone - lags).abs() <= WITHIN).all()
    assert torch.equal(together[1:], alone)


@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=10, deadline=None)
def test_slopes_have_unit_power_whatever_the_unit_of_their_signal(seed, size, level) -> None:
    x, mask = some_window(seed)
    slopes = slopes_of(x, mask)
    count = slopes.known.sum(dim=2)
    power = slopes.f.square().sum(dim=2)[count > 0] / count[count > 0]
    scaled = slopes_of((size * x + level) * mask, mask)

    torch.testing.assert_close(power, torch.ones_like(power))
    torch.testing.assert_close(scaled.f, slopes.f, atol=0.02, rtol=0)


def test_a_slope_is_known_two_samples_from_what_is_missing_and_from_the_ends() -> None:
    holed = T / 7
    holed[300:310] = torch.nan
    slopes = slopes_of(*window(holed))

    unknown = (slopes.known[0, 0] == 0).nonzero()[:, 0].tolist()
    assert unknown == [0, 1, *range(298, 312), 598, 599]
    assert (slopes.f[slopes.known == 0] == 0).all()
    assert (slopes.known[0, 1:] == 0).all()


def test_what_lies_under_a_gap_has_no_slope() -> None:
    x, mask = some_window(5)
    filled = torch.where(mask, x, 50 * torch.ones_like(x).cumsum(dim=2))

    assert not torch.equal(filled, x)
    assert torch.equal(slopes_of(filled, mask).f, slopes_of(x, mask).f)


def test_a_flat_line_has_slopes_of_nothing_and_no_say() -> None:
    flat = torch.full((600,), 0.3)

    assert (slopes_of(*window(flat)).f == 0).all()
    told = lags_of(beats(84, 100, 0.3), flat)
    torch.testing.assert_close(told[120:].float(), beat_before(84, 100)[120:], atol=2, rtol=0)
