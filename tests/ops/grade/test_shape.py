import numpy as np
import pytest

from ops.grade import shape


def test_the_least_range_is_that_of_the_stillest_stretch() -> None:
    rows = np.array([[0, 5, 1, 2, 2, 9]], np.float32)

    assert shape.least_range(rows, 3)[0] == 1
    assert shape.least_range(rows, 2)[0] == 0


def test_the_rail_share_counts_observed_samples_at_both_extremes() -> None:
    rows = np.array([[0, 0, 1, 2, 3, 3, 3, 1]], np.float32)
    observed = np.array([[True] * 6 + [False] * 2])

    share = shape.rail_share(rows, observed, np.zeros(1, np.float32))

    assert share[0] == pytest.approx(4 / 8)


def test_equal_is_within_a_step_or_a_small_share_of_the_range() -> None:
    rows = np.array([[0, 10], [0, 10]], np.float32)

    equal = shape.tolerance(rows, np.array([0.5, np.nan], np.float32))

    np.testing.assert_allclose(equal, [0.505, 0.02], rtol=1e-5)


def test_a_square_wave_has_no_skew_and_kurtosis_one() -> None:
    rows = np.tile(np.float32([1, -1]), (1, 250))

    skewness, kurtosis = shape.skewness_and_kurtosis(rows)

    assert skewness[0] == pytest.approx(0)
    assert kurtosis[0] == pytest.approx(1)


def test_slew_and_range_are_those_of_the_samples() -> None:
    rows = np.array([[0, 4, 1, 1]], np.float32)

    assert shape.largest_slew(rows)[0] == 4
    assert shape.share_outside(rows, 0.5, 3)[0] == pytest.approx(0.5)
