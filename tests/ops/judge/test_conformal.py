"""How far an interval must reach, each group counting alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.judge.conformal import group_quantile, new_group_quantile


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


def test_of_20_people_who_are_each_always_the_same_the_last_but_one_holds() -> None:
    """19 of 21: where a new one is as likely to come between any two of them as anywhere."""
    scores = np.repeat(np.arange(20.0), 5)

    assert new_group_quantile(scores, np.repeat(np.arange(20), 5).astype(str), 0.9) == 18


def test_nine_people_are_too_few_to_hold_nine_of_ten() -> None:
    with pytest.raises(ValueError, match=r"9 groups are too few to hold 0\.9 of a new one"):
        new_group_quantile(np.arange(9.0), np.arange(9).astype(str), 0.9)


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("people", [10, 20])
def test_new_people_are_held_however_alike_the_scores_of_one_are(alike, people) -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(people), 20).astype(str)
    held = []
    for _ in range(300):
        level, own = rng.normal(size=(2 * people, 1)), rng.normal(size=(2 * people, 20))
        scores = np.abs(np.sqrt(alike) * level + np.sqrt(1 - alike) * own)
        reach = new_group_quantile(scores[:people].ravel(), groups, 0.9)
        held.append((scores[people:] <= reach).mean())

    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(-5, 5)), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_it_is_a_score_whatever_their_order_and_reaches_no_further_than_is_sure(drawn, shuffler):
    everyone = [*drawn, *((g, g) for g in range(10))]
    shuffled = shuffler.sample(everyone, len(everyone))
    found = set()
    for rows in (everyone, shuffled):
        groups = np.array([str(g) for g, _ in rows])
        scores = np.array([float(s) for _, s in rows])
        found.add(new_group_quantile(scores, groups, 0.9))
    n = np.unique(groups).size

    assert len(found) == 1
    assert found <= set(scores)
    assert found.pop() <= group_quantile(scores, groups, min(0.9 * (n + 1) / n, 1.0))
