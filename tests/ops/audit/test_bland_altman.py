"""Limits of agreement by hand: one-way analysis of variance of the differences."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ops.audit.bland_altman import bland_altman


def limits(errors, subjects):
    error = np.array(errors, np.float32)
    return bland_altman(error + 90, np.full(error.size, 90, np.float32), np.array(subjects))


def test_variance_within_and_between_subjects_add_up() -> None:
    """Mean squares 2 within and 16 between, two windows each: 2 + (16 - 2) / 2 = 9."""
    told = limits([0, 2, 4, 6], ["a", "a", "b", "b"])

    assert told["bias"]["value"] == pytest.approx(3)
    assert told["sd_within"]["value"] == pytest.approx(2**0.5)
    assert told["sd_between"]["value"] == pytest.approx(7**0.5)
    assert told["sd"]["value"] == pytest.approx(3)
    assert told["lower_limit"]["value"] == pytest.approx(3 - 1.96 * 3)
    assert told["upper_limit"]["value"] == pytest.approx(3 + 1.96 * 3)


def test_subjects_with_unlike_numbers_of_windows_are_weighed_as_the_paper_has_it() -> None:
    """Mean square 6.75 between over (16 - 10) / (1 * 4) = 1.5 windows a subject: 4.5."""
    told = limits([0, 3, 3, 3], ["a", "b", "b", "b"])

    assert told["sd_within"]["value"] == pytest.approx(0)
    assert told["sd_between"]["value"] == pytest.approx(4.5**0.5)


def test_subjects_that_differ_less_than_their_windows_have_no_variance_between() -> None:
    told = limits([-5, 5, -5, 5], ["a", "a", "b", "b"])

    assert told["sd_between"]["value"] == 0
    assert told["sd"]["value"] == pytest.approx(50**0.5)


def test_the_parts_that_errors_were_made_of_are_found_again() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(5, 30, 400)
    levels = np.repeat(rng.normal(2, 6, 400), n)
    told = limits(levels + rng.normal(0, 3, n.sum()), np.repeat(np.arange(400).astype(str), n))

    for name, expected in (("bias", 2), ("sd_within", 3), ("sd_between", 6)):
        assert told[name]["low"] < expected < told[name]["high"]
        assert told[name]["value"] == pytest.approx(expected, abs=0.5)


def test_few_subjects_have_limits_without_bounds() -> None:
    told = limits([0, 2, 4, 6], ["a", "a", "b", "b"])

    assert told["upper_limit"] == {"value": pytest.approx(3 + 1.96 * 3), "low": None, "high": None}


@pytest.mark.parametrize("subjects", [["a", "a"], ["a", "b"], []])
def test_one_subject_or_one_window_each_has_no_limits(subjects) -> None:
    told = limits([1.0, 2.0][: len(subjects)], subjects)

    assert told["windows"] == len(subjects)
    assert told["upper_limit"] is None


@given(
    arrays.arrays(np.float32, 12, elements=st.floats(-200, 200, width=32) | st.just(np.nan)),
    st.lists(st.sampled_from("abc"), min_size=12, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_told_the_limits_are_json_and_in_order(errors, subjects) -> None:
    told = limits(errors, subjects)

    json.dumps(told, allow_nan=False)
    if told["sd"] is not None:
        assert told["lower_limit"]["value"] <= told["bias"]["value"] <= told["upper_limit"]["value"]
