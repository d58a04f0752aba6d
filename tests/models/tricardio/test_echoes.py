"""A window's own beats fill its gaps, and those of another modality say where they are."""

import pytest
import torch

from models.tricardio.echoes import BEATS, beat_lags, echoes_of

T = torch.arange(600)


def beating(period: float, phase: float = 0.0) -> torch.Tensor:
    """A narrow pulse a period, as an ECG has: (600,)."""
    since = (T - phase) % period
    return torch.exp(-(((since - 20) / 4) ** 2)) + 0.2 * torch.exp(-(((since - 45) / 12) ** 2))


def window(*signals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.stack(signals)[None]
    return x.nan_to_num(0), x.isfinite()


@pytest.mark.parametrize("period", [40, 75, 100, 163, 240])
def test_the_lags_are_those_of_one_beat_and_more(period) -> None:
    nothing = torch.full((600,), torch.nan)
    lags = beat_lags(*window(beating(period), nothing, nothing))

    assert lags.shape == (1, BEATS)
    expected = [period * k for k in range(1, BEATS + 1) if period * k < 480]
    assert lags[0, : len(expected)].tolist() == expected


def test_a_gap_is_bridged_by_the_beats_around_it() -> None:
    whole = beating(100)
    holed = whole.clone()
    holed[250:400] = torch.nan
    nothing = torch.full((600,), torch.nan)
    copies, there = echoes_of(*window(holed, nothing, nothing))

    for view in range(3):
        told = there[0, 0, view, 250:400]
        assert told.all()
        torch.testing.assert_close(copies[0, 0, view, 250:400], whole[250:400], atol=1e-4, rtol=0)


def test_another_modality_tells_the_period_where_the_own_is_hidden() -> None:
    hidden = torch.full((600,), torch.nan)
    hidden[:70] = beating(90)[:70]
    lags = beat_lags(*window(hidden, beating(90, 33), torch.full((600,), torch.nan)))

    assert lags[0, 0] == 90


def test_nothing_is_told_of_an_absent_modality() -> None:
    nothing = torch.full((600,), torch.nan)
    copies, there = echoes_of(*window(beating(80), nothing, nothing))

    assert not there[0, 1:].any()
    assert (copies[0, 1:] == 0).all()


def test_a_window_has_its_own_echoes_whatever_it_comes_with() -> None:
    nothing = torch.full((600,), torch.nan)
    one, mask = window(beating(80), nothing, nothing)
    other, mask2 = window(beating(130), beating(130, 20), nothing)
    together, _ = echoes_of(torch.cat([one, other]), torch.cat([mask, mask2]))

    torch.testing.assert_close(together[:1], echoes_of(one, mask)[0])
