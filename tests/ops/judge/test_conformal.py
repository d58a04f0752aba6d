"""How far an interval must reach, each group counting alike."""

import numpy as np
import pytest

from ops.judge.conformal import group_quantile


def test_of_one_group_it_is_the_quantile() -> None:
    scores = np.arange(1, 101, dtype=float)

    assert group_quantile(scores, np.full(100, "a"), 0.9) == 90


def test_a_group_with_many_windows_weighs_no_more_than_one_with_few() -> None:
    scores = np.array([1.0] * 999 + [5.0])
    groups = np.array(["long"] * 999 + ["short"])

    assert group_quantile(scores, groups, 0.5) == 1
    assert group_quantile(scores, groups, 0.51) == 5


def test_scores_that_are_not_finite_have_no_say() -> None:
    scores = np.array([np.nan, 2.0, np.inf, 1.0])

    assert group_quantile(scores, np.array(["a"] * 4), 0.9) == 2


def test_without_a_score_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no score is finite"):
        group_quantile(np.array([np.nan]), np.array(["a"]), 0.9)


def test_a_factor_found_on_some_holds_on_others_of_their_kind() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.lognormal(size=2000)
    groups = np.repeat(np.arange(2000), 20).astype(str)
    scores = np.abs(rng.normal(size=40_000)) * np.repeat(sizes, 20)
    known = np.repeat(np.arange(2000) < 1000, 20)
    reach = group_quantile(scores[known], groups[known], 0.9)

    assert (scores[~known] <= reach).mean() == pytest.approx(0.9, abs=0.02)
