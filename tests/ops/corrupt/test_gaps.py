"""Gaps are as many and as long as they should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.corrupt.gaps import gaps, many_gaps, one_gap, repeated_gaps


def test_one_gap_of_a_given_share_is_one_and_of_that_share() -> None:
    missing = one_gap(50, 500, np.random.default_rng(0), share=0.3)

    assert (missing.sum(axis=1) == 150).all()
    edges = np.diff(np.pad(missing, ((0, 0), (1, 1))).astype(int), axis=1)
    assert ((edges == 1).sum(axis=1) == 1).all()


@given(seed=st.integers(0, 2**32), n=st.integers(0, 9), samples=st.sampled_from([500, 600]))
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("cut", [gaps, one_gap, many_gaps, repeated_gaps])
def test_something_is_missing_and_something_is_left(cut, seed, n, samples) -> None:
    missing = cut(n, samples, np.random.default_rng(seed))

    assert missing.shape == (n, samples)
    assert missing.any(axis=1).all()
    assert (~missing).any(axis=1).all()
