"""A window's own beats fill its gaps, and those of another modality say where they are."""

import pytest
import torch

from models.tricardio.echoes import BEATS, beat_lags, echoes_of

T = torch.arange(600)


def beating(period: float, phase: float = 0.0) -> torch.Tensor:
    """A narrow pulse a period, as an ECG has: (600,)."""
    since = (T - phase) % period
    return torch.exp(-(((since - 20) / 4) ** 2)) + 0.2 * torch.exp(-(((since - 45) / 12) ** 2))


def slowing(at: float) -> torch.Tensor:
    """A pulse a beat, whose beats come every 84 samples at first and every 100 in the end."""
    phase = (1 + 16 / 84 * T / 600).log() * 600 / 16
    return torch.exp(-((((phase - at + 0.5) % 1 - 0.5) / 0.1) ** 2))


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


def test_a_gap_is_bridged_by_the_beats_around_it_to_within_a_sample() -> None:
    whole = beating(100)
    holed = whole.clone()
    holed[250:400] = torch.nan
    nothing = torch.full((600,), torch.nan)
    copies, there = echoes_of(*window(holed, nothing, nothing))

    beside = whole[249:401].unfold(0, 3, 1)  # each sample of the gap between its neighbours
    for view in range(3):
        copy = copies[0, 0, view, 250:400]
        assert there[0, 0, view, 250:400].all()
        assert (copy >= beside.amin(dim=1) - 1e-4).all()
        assert (copy <= beside.amax(dim=1) + 1e-4).all()
        assert (copy - whole[250:400]).abs().median() < 1e-4


def test_copies_follow_the_beats_where_they_slow_down() -> None:
    whole, holed = slowing(0.3), slowing(0.3)
    holed[400:500] = torch.nan
    other = slowing(0.6)
    x, mask = window(holed, other, torch.full((600,), torch.nan))
    copies, there = echoes_of(x, mask)
    unmoved = whole[400 - int(beat_lags(x, mask)[0, 0]) :][:100]

    assert there[0, 0, 0, 400:500].all()
    assert (copies[0, 0, 0, 400:500] - whole[400:500]).abs().max() < 0.15
    assert (unmoved - whole[400:500]).abs().max() > 0.4


def test_what_lies_under_a_gap_is_not_copied() -> None:
    holed = beating(100)
    holed[250:400] = torch.nan
    x, mask = window(holed, beating(100, 30), torch.full((600,), torch.nan))
    filled = torch.where(mask, x, torch.arange(600) / 100)
    copies, there = echoes_of(x, mask)
    told, told_there = echoes_of(filled, mask)

    assert torch.equal(told, copies)
    assert torch.equal(told_there, there)


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
