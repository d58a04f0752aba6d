"""Measures by values that can be checked by hand, and null wherever nothing tells."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import ks_2samp

from ops.judge.beat_measures import f1_of, timing_error_ms
from ops.judge.continuity import jumps
from ops.judge.groups import LEAST_GROUPS, group_mean
from ops.judge.pressure_measures import bhs, interval_measures, pressure_measures
from ops.judge.signal_measures import (
    aligned_correlation,
    correlation,
    decibels,
    kolmogorov_smirnov,
    paper_scale,
    root_mean_square,
    scale_to_truth,
)

ALL = np.ones((1, 500), np.bool_)
BEATS = np.array([100.0, 200.0, 300.0])
T = np.arange(500)
WAVE = np.sin(2 * np.pi * T / 100)[None].astype(np.float32)
ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)


def test_bp_is_measured_in_fifties_of_mmhg_around_a_hundred() -> None:
    middle, unit = paper_scale(np.full((1, 500), 120, np.float32), "abp")

    assert (middle[0, 0], unit[0, 0]) == (100, 50)


@pytest.mark.parametrize("target", ["ecg", "ppg"])
def test_ecg_and_ppg_go_from_minus_one_to_one_by_the_clean_window(target) -> None:
    clean = np.array([[2.0, 3.0, 6.0]], np.float32)
    middle, unit = paper_scale(clean, target)

    np.testing.assert_allclose((clean - middle) / unit, [[-1, -0.5, 1]])


def test_the_root_mean_square_is_over_what_was_made_alone() -> None:
    made = np.array([[True, True, False]])

    assert root_mean_square(np.array([[3.0, 4.0, 100.0]]), made)[0] == pytest.approx(12.5**0.5)


def test_distributions_that_do_not_meet_are_at_distance_one() -> None:
    y, truth = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])

    assert kolmogorov_smirnov(y, truth, np.ones((1, 2), np.bool_))[0] == 1
    assert kolmogorov_smirnov(truth[:, ::-1], truth, np.ones((1, 2), np.bool_))[0] == 0


def test_the_ks_statistic_is_scipys() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 1, 500))

    expected = ks_2samp(a[0], b[0]).statistic
    assert kolmogorov_smirnov(a, b, ALL)[0] == pytest.approx(expected)


def test_a_shape_correlates_whatever_its_mean_and_scale() -> None:
    wave = WAVE.astype(np.float64)

    np.testing.assert_allclose(correlation(7 + 3 * wave, wave, ALL), 1)
    np.testing.assert_allclose(correlation(-wave, wave, ALL), -1)
    assert np.isnan(correlation(np.ones_like(wave), wave, ALL)[0])


def test_a_shape_that_comes_late_is_itself_once_aligned() -> None:
    truth = WAVE.astype(np.float64) + np.linspace(0, 1, 500)
    late = np.roll(truth, 12, axis=1)

    assert correlation(late, truth, ALL)[0] < 0.9
    assert aligned_correlation(late, truth)[0] > 0.99


def test_what_is_made_from_nothing_is_put_on_the_scale_of_the_truth() -> None:
    factor, offset = scale_to_truth(WAVE / 5 - 9, WAVE * 2 + 1)

    np.testing.assert_allclose((WAVE / 5 - 9) * factor + offset, WAVE * 2 + 1, atol=1e-5)


def test_ten_times_the_power_is_ten_decibels() -> None:
    assert decibels(np.array([10.0]), np.array([1.0]))[0] == pytest.approx(10)
    assert np.isfinite(decibels(np.array([1.0]), np.array([0.0]))[0])


@pytest.mark.parametrize(("shift", "f1"), [(0, 1), (5, 1), (7, 0)])
def test_beats_shifted_by_more_than_50_ms_are_lost(shift, f1) -> None:
    """6.25 samples are 50 ms."""
    assert f1_of(BEATS + shift, BEATS, 6.25) == f1


def test_one_beat_too_many_and_one_too_few_cost_as_much() -> None:
    more, fewer = np.append(BEATS, 400.0), BEATS[:-1]

    assert f1_of(more, BEATS, 6.25) == pytest.approx(6 / 7)
    assert f1_of(fewer, BEATS, 6.25) == pytest.approx(4 / 5)


def test_a_beat_at_the_very_end_may_have_its_partner_outside() -> None:
    assert f1_of(BEATS, np.append(BEATS, 498.0), 6.25) == 1


def test_no_beats_on_either_side_tell_nothing() -> None:
    assert np.isnan(f1_of(np.zeros(0), np.zeros(0), 6.25))


def test_a_sample_is_eight_milliseconds() -> None:
    assert timing_error_ms(BEATS + np.array([1, 2, 9]), BEATS) == 16
    assert np.isnan(timing_error_ms(np.zeros(0), BEATS))


def test_every_group_counts_alike() -> None:
    mean = group_mean(np.array([0.0, 0.0, 0.0, 4.0]), np.array(["a", "a", "a", "b"]))

    assert (mean.mean, mean.over_windows, mean.median) == (2, 1, 0)
    assert (mean.groups, mean.windows) == (2, 4)


def test_of_few_groups_there_is_a_mean_and_no_interval() -> None:
    told = {
        n: group_mean(np.arange(float(n)), np.arange(n).astype(str))
        for n in (1, 2, LEAST_GROUPS - 1, LEAST_GROUPS)
    }

    assert [mean.mean for mean in told.values()] == [(n - 1) / 2 for n in told]
    assert [mean.low is None and mean.high is None for mean in told.values()] == [True] * 3 + [
        False
    ]
    assert 0 < told[LEAST_GROUPS].low < 2.5 < told[LEAST_GROUPS].high < 5


def test_a_group_that_tells_nothing_does_not_count() -> None:
    mean = group_mean(np.array([1.0, np.nan]), np.array(["a", "b"]))

    assert (mean.mean, mean.low, mean.high, mean.groups) == (1, None, None, 1)


def test_pressure_errors_are_told_as_the_standards_do() -> None:
    true = np.full(4, 120, np.float32)
    told = pressure_measures(true + np.array([4, -4, 8, 12]), true, np.array(["a", "a", "b", "b"]))

    assert told["me"] == 5
    assert told["sd"] == pytest.approx(np.std([4, -4, 8, 12], ddof=1))
    assert (told["mae_windows"], told["mae"]["mean"]) == (7, 7)
    assert told["aami"] == {"errors_within": True, "subjects_enough": False}


@pytest.mark.parametrize(("error", "grade"), [(4, "A"), (7, "D"), (20, "D")])
def test_a_bhs_grade_takes_all_three_of_its_shares(error, grade) -> None:
    """All errors of 7 mmHg are within 10 and 15, and none is within 5."""
    assert bhs(np.full(10, float(error)))["grade"] == grade


def test_an_interval_covers_what_lies_within_its_bounds() -> None:
    groups = np.array(["a", "a"])
    lower, upper = np.full(2, 90, np.float32), np.full(2, 110, np.float32)
    told = interval_measures(lower, upper, np.array([100, 111], np.float32), groups)

    assert (told["coverage"]["mean"], told["width"]["mean"]) == (0.5, 20)


def test_a_step_between_windows_is_a_jump_at_their_joint() -> None:
    ramp = np.tile(np.linspace(0, 1, 500, dtype=np.float32), (2, 1))
    found = jumps(ramp)

    np.testing.assert_allclose(found.joint, [1])
    np.testing.assert_allclose(found.inside, [1 / 499, 1 / 499], rtol=1e-5)


@given(
    arrays.arrays(np.float32, (2, 30), elements=ANY),
    arrays.arrays(np.bool_, (2, 30)),
)
@settings(max_examples=40, deadline=None)
def test_whatever_was_made_a_measure_is_finite_or_none(y, made) -> None:
    clean = np.random.default_rng(0).normal(size=(2, 30))
    known = np.where(np.abs(y) < 1e6, y, np.nan).astype(np.float64)
    measured = [
        root_mean_square(known - clean, made),
        kolmogorov_smirnov(known, clean, made),
        correlation(known, clean, made),
    ]

    for values in measured:
        told = group_mean(values, np.array(["a", "b"])).told()
        json.dumps(told, allow_nan=False)


@given(st.lists(ANY, min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_whatever_pressure_is_said_its_row_is_json(values) -> None:
    true = np.array([120, 110, np.nan], np.float32)
    said = np.where(np.abs(values) < 1e6, values, np.nan).astype(np.float32)

    json.dumps(pressure_measures(said, true, np.array(["a", "b", "c"])), allow_nan=False)
