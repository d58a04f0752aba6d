import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lavida.schedule import BEST, commits, shifted

shifts = st.just("cosine") | st.floats(0.05, 20)


@pytest.mark.parametrize(
    ("steps", "shift", "expected"),
    [
        (8, 1 / 3, [10, 6, 5, 3, 3, 2, 2, 1]),
        (16, 1 / 3, [6, 4, 4, 2, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        (24, 1 / 3, [4, 3, 3, 1, 2] + 19 * [1]),
        (8, 3, [2, 2, 2, 2, 4, 4, 7, 9]),
        (8, "cosine", [2, 3, 5, 6, 7, 5, 3, 1]),
    ],
)
def test_golden_schedules_come_out(steps, shift, expected) -> None:
    assert commits(32, steps, shift) == expected


def test_alpha_of_one_is_linear() -> None:
    assert commits(32, 8, 1) == 8 * [4]


def test_the_best_alpha_commits_most_at_first() -> None:
    assert commits(32, 8) == commits(32, 8, BEST)
    assert commits(32, 8) == sorted(commits(32, 8), reverse=True)


@given(st.integers(0, 200), st.integers(1, 64), shifts)
def test_counts_add_up_to_the_tokens_and_none_is_zero_before_all_are_gone(
    tokens, steps, shift
) -> None:
    counts = commits(tokens, steps, shift)

    assert len(counts) == steps
    assert sum(counts) == tokens
    assert all(count >= 1 for count in counts[: min(tokens, steps)])
    assert not any(counts[tokens:])


@given(shifts)
def test_a_shift_begins_at_0_and_ends_at_1(shift) -> None:
    assert shifted(0, shift) == 0
    assert shifted(1, shift) == pytest.approx(1)


def test_more_steps_than_tokens_commit_one_each_and_then_nothing() -> None:
    assert commits(3, 5) == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused(steps) -> None:
    with pytest.raises(ValueError, match=f"^steps must be positive, got {steps}$"):
        commits(8, steps)


@pytest.mark.parametrize("shift", [0, -1.0, float("nan"), float("inf"), "linear"])
def test_an_alpha_that_is_no_positive_number_is_refused(shift) -> None:
    with pytest.raises(ValueError, match=f"positive number or cosine, got {shift}$"):
        commits(8, 4, shift)
