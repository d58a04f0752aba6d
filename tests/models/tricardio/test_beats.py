"""R peaks found in likelihoods, and the ECG that is drawn by them."""

import numpy as np
import pytest
import torch

from models.tricardio.architecture import SPAN, TOKENS
from models.tricardio.beats import BEAT, Beats, beat_times, drawn_beats

pytestmark = pytest.mark.usefixtures("one_thread")

UNKNOWN = np.array([np.nan], np.float32)
WIDTH = BEAT.stop - BEAT.start


def likelihood(*times: int, height: float = 0.8) -> np.ndarray:
    away = np.arange(SPAN) - np.array(times)[:, None]
    return (height * np.exp(-0.5 * (away / 5) ** 2).max(axis=0)).astype(np.float32)[None]


def test_beats_are_where_they_are_most_likely_however_sure_it_is() -> None:
    for height in (0.8, 0.05):
        (found,) = beat_times(likelihood(60, 160, 270, height=height), UNKNOWN)
        np.testing.assert_array_equal(found, [60, 160, 270])


def test_no_two_beats_are_nearer_than_300_ms() -> None:
    rng = np.random.default_rng(0)
    found = beat_times(rng.random((4, SPAN)).astype(np.float32), np.repeat(UNKNOWN, 4))

    assert min(np.diff(times).min() for times in found) >= 37


@pytest.mark.parametrize(("rate", "beats"), [(75.0, 3), (40.0, 2), (0.0, 3), (np.inf, 3)])
def test_no_two_beats_are_nearer_than_half_of_the_pulses_period(rate, beats) -> None:
    likely = np.maximum(likelihood(60, 260), likelihood(130, height=0.5))

    assert len(beat_times(likely, np.array([rate], np.float32))[0]) == beats


def test_an_ecg_has_the_usual_beat_at_each_time_and_nothing_between() -> None:
    usual = torch.arange(1.0, WIDTH + 1)
    (ecg,) = drawn_beats([np.array([150, 400])], usual)

    torch.testing.assert_close(ecg[150 + BEAT.start : 150 + BEAT.stop], usual)
    torch.testing.assert_close(ecg[400 + BEAT.start : 400 + BEAT.stop], usual)
    assert (ecg[230:350] == 0).all()


@pytest.mark.parametrize("apart", [37, 50, 75])
def test_beats_near_each_other_share_the_time_and_keep_their_peaks(apart) -> None:
    usual = torch.zeros(WIDTH)
    usual[-BEAT.start] = 5
    times = np.arange(10, SPAN, apart)
    (ecg,) = drawn_beats([times], usual)

    np.testing.assert_array_equal(np.flatnonzero(ecg.numpy() == 5), times)
    assert (drawn_beats([times], torch.ones(WIDTH))[0][times[0] : times[-1]] == 1).all()


def test_a_window_without_a_beat_is_level() -> None:
    assert (drawn_beats([np.array([], np.int64)], torch.ones(WIDTH)) == 0).all()


@torch.inference_mode()
def test_a_head_tells_every_sample_of_a_window_and_its_margins() -> None:
    assert Beats(16).eval()(torch.randn(3, TOKENS, 16)).shape == (3, SPAN)
