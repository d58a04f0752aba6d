"""Pulses follow the beats that they are made of."""

import numpy as np
import pytest

from ops.beats import MAX_BEATS, detect_beats
from ops.strip.pulses import pulses
from schemas.grid import GRID_FS


def rows(*times_s: list[float]) -> np.ndarray:
    beats = np.full((len(times_s), MAX_BEATS), -1, np.int16)
    for row, times in zip(beats, times_s, strict=True):
        row[: len(times)] = np.round(np.array(times) * GRID_FS)
    return beats


@pytest.mark.parametrize("seed", range(5))
def test_each_beat_has_a_pulse_a_little_later(seed) -> None:
    times = [0.3, 1.0, 1.65, 2.4, 3.1]
    found = detect_beats(pulses(rows(times), np.random.default_rng(seed)), "ppg")

    assert found.count[0] in (5, 6)
    after = found.index[0, : found.count[0]] / GRID_FS
    late = np.array([min(after[after > t], default=np.nan) - t for t in times])
    assert np.nanmax(late) - np.nanmin(late) < 0.1
    assert 0.15 < np.nanmedian(late) < 0.5


def test_an_early_beat_has_a_weaker_pulse_and_the_one_after_a_pause_a_stronger() -> None:
    wave = pulses(rows([0.2, 1.0, 1.45, 2.6, 3.4]), np.random.default_rng(0))[0]
    usual, early, late = (wave[round(a * GRID_FS) : round(b * GRID_FS)].max()
                          for a, b in ((1.0, 1.45), (1.65, 1.9), (2.6, 3.4)))  # fmt: skip

    assert early < usual < late


def test_where_too_few_beats_are_known_there_is_none() -> None:
    made = pulses(rows([], [1.0], [1.0, 2.0]), np.random.default_rng(0))

    assert np.isnan(made[:2]).all()
    assert np.isfinite(made[2]).all()
