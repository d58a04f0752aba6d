"""The three steps at given beats, by hand-made rules."""

import numpy as np

from ops.restore.denoise import WINDOW_CELLS, denoise
from ops.restore.estimate import MEASURED, robust_range
from ops.restore.impute import impute
from ops.restore.tables import DenoiseRule, ImputeRule, Population
from ops.restore.translate import translate

T = np.arange(500.0)
SINE = np.sin(2 * np.pi * T / 100)
BEATS = np.arange(0.0, 500, 100)


def test_a_short_gap_is_drawn_and_a_long_one_comes_from_the_other_beats() -> None:
    x = SINE[None].copy()
    x[0, 10:14] = np.nan
    x[0, 220:300] = np.nan

    made = impute(x, [BEATS], [{}], np.array([75.0]), ImputeRule(10, 8.0, {}))

    np.testing.assert_allclose(made.mean[0], SINE, atol=0.01)
    assert (made.cell[0, :10] == MEASURED).all()
    assert made.cell[0, 11] != made.cell[0, 221]


def test_a_gap_without_beats_is_drawn_however_long_it_is() -> None:
    x = (2 * T)[None].copy()
    x[0, 100:400] = np.nan

    made = impute(x, [np.zeros(0)], [{}], np.array([np.nan]), ImputeRule(10, 0.0, {}))

    np.testing.assert_allclose(made.mean[0], 2 * T)


def test_a_beat_that_stands_higher_than_the_others_stays_there() -> None:
    x = (SINE + 0.5 * ((T >= 300) & (T < 400)))[None]
    holed = x.copy()
    holed[0, 330:380] = np.nan

    made = impute(holed, [BEATS], [{}], np.array([75.0]), ImputeRule(10, 0.0, {}))

    np.testing.assert_allclose(made.mean[0], x[0], atol=1e-6)


def test_the_mean_of_two_noisy_beats_has_less_noise_than_each() -> None:
    n = int(np.prod(WINDOW_CELLS))
    rule = DenoiseRule((), keeps_own=False, template_share=np.ones(n), wander_share=np.zeros(n))
    noise = np.random.default_rng(0).standard_normal((1, 500))

    made = denoise(SINE[None] + noise, [BEATS], [{}], "abp", rule)

    assert (made.mean[0] - SINE).std() < 0.4 * noise.std()


def test_wander_is_taken_away_by_its_share() -> None:
    n = int(np.prod(WINDOW_CELLS))
    wander = 5 * np.sin(2 * np.pi * 0.1 * T / 125)
    left = [
        denoise(
            (SINE + wander)[None],
            [np.zeros(0)],
            [{}],
            "ppg",
            DenoiseRule((), False, np.zeros(n), np.full(n, share)),
        ).mean[0]
        for share in (0.0, 1.0)
    ]

    np.testing.assert_allclose(left[0][50:-50], (SINE + wander)[50:-50], atol=0.05)
    assert (left[1] - SINE).std() < 0.25 * wander.std()


def test_the_populations_beat_stands_after_its_delay_at_its_levels() -> None:
    shape = np.repeat(np.sin(np.pi * np.arange(64) / 64)[None], 5, axis=0)
    population = Population(shape, {"ecg": 25.0}, {"dbp": (70.0, 0.0), "sbp": (60.0, 1.0)})

    made = translate([{"ecg": BEATS}], np.array([75.0]), population)

    # 100 samples a beat are 75 beats/min: systolic 60 + 75 = 135 half way between two feet.
    np.testing.assert_allclose(made.mean[0, [25, 75, 125]], [70, 135, 70], atol=1e-9)


def test_the_range_leaves_out_the_hundredth_part_at_either_end() -> None:
    x = np.arange(101.0)[None]

    assert robust_range(x).tolist() == [98.0]
    assert robust_range(np.full((1, 5), np.nan)).tolist() == [1.0]
