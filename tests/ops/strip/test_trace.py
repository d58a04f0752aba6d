"""The line through samples, column by column."""

import numpy as np

from ops.strip.trace import covered, spans

NAN = np.nan


def spans_of(y: list[float], width: int, right: float = 0.0) -> tuple[list[float], list[float]]:
    low, high = spans(np.array([y], np.float32), width, np.array([right], np.float32))
    return low[0].tolist(), high[0].tolist()


def test_a_column_holds_the_line_between_its_edges() -> None:
    low, high = spans_of([0, 4, 4, 0], 4)

    assert low == [0, 2, 2, 0]
    assert high == [2, 4, 4, 2]


def test_a_column_of_several_samples_holds_them_all() -> None:
    low, high = spans_of([0, 9, 1, 2, 2, 2], 2)

    assert (low, high) == ([0, 1.5], [9, 2])


def test_the_line_ends_at_the_last_sample_before_a_gap() -> None:
    low, high = spans_of([5, 5, NAN, NAN, 7, 7], 6)

    np.testing.assert_array_equal(low, [5, 5, NAN, NAN, 7, 7])
    np.testing.assert_array_equal(high, low)


def test_a_sample_alone_is_there() -> None:
    low, _ = spans_of([NAN, 5, NAN, NAN], 4)

    np.testing.assert_array_equal(low, [NAN, 5, NAN, NAN])


def test_a_line_is_shifted_to_the_right_and_nothing_comes_in_from_the_left() -> None:
    low, _ = spans_of([1, 2, 3, 4], 4, right=1)

    np.testing.assert_array_equal(low, [NAN, 1, 1.5, 2.5])


def test_pixels_are_covered_as_far_as_the_line_reaches_into_them() -> None:
    low, high = np.array([[1.5, np.nan]], np.float32), np.array([[2.0, np.nan]], np.float32)
    share = covered(low, high, np.array([1], np.float32), 0, 4)

    assert share[0, :, 0].tolist() == [0, 1, 0.5, 0]
    assert share[0, :, 1].tolist() == [0, 0, 0, 0]
