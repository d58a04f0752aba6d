"""Rows of any size come within reach, and those that are keep every bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.strip.reach import within_reach
from schemas.restoration import F32


def test_rows_within_reach_stay_as_they_are() -> None:
    x = np.array([[1.0, np.nan, -3.0]], np.float32)

    np.testing.assert_array_equal(within_reach(x), x)


def test_what_is_infinite_is_missing() -> None:
    assert np.isnan(within_reach(np.array([[1.0, np.inf]], np.float32))).tolist() == [[False, True]]


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(width=32)))
def test_any_row_comes_within_reach_and_keeps_its_form(x: F32) -> None:
    near = within_reach(x)

    known = np.isfinite(x)
    assert (np.abs(near[known]) <= 2**24).all()
    np.testing.assert_array_equal(np.isfinite(near), known)
    np.testing.assert_array_equal(np.sign(near[known]) * (near[known] != 0), np.sign(near[known]))
