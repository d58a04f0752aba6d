"""Gaps and the curve across them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ops.restore.gaps import find_gaps, interpolate

NAN = np.nan


def test_a_gap_knows_its_edges_its_length_and_its_depth() -> None:
    gaps = find_gaps(np.array([[True, False, False, False, True]]))

    assert gaps.left.tolist() == [[0, 0, 0, 0, 4]]
    assert gaps.right.tolist() == [[0, 4, 4, 4, 4]]
    assert gaps.length.tolist() == [[0, 3, 3, 3, 0]]
    assert gaps.distance.tolist() == [[0, 1, 2, 1, 0]]


def test_a_gap_at_the_start_is_as_deep_as_its_one_edge_is_far() -> None:
    gaps = find_gaps(np.array([[False, False, True]]))

    assert gaps.left.tolist() == [[-1, -1, 2]]
    assert gaps.distance.tolist() == [[2, 1, 0]]


def test_a_ramp_is_restored_exactly() -> None:
    x = np.array([[0.0, 1.0, NAN, NAN, 4.0, 5.0]])

    for reach in (0.0, 8.0):
        drawn = interpolate(x, find_gaps(np.isfinite(x)), reach)

        np.testing.assert_allclose(drawn, [[0, 1, 2, 3, 4, 5]], atol=1e-12)


def test_a_short_gap_in_a_parabola_follows_the_slopes_at_its_edges() -> None:
    x = np.arange(-6.0, 7.0)[None] ** 2
    holed = np.where(np.abs(np.arange(-6, 7)) < 2, NAN, x)

    straight = interpolate(holed, find_gaps(np.isfinite(holed)))
    curved = interpolate(holed, find_gaps(np.isfinite(holed)), 8.0)

    assert straight[0, 6] == 4.0
    assert abs(curved[0, 6]) < 1.1


def test_a_gap_at_the_end_holds_the_last_value() -> None:
    x = np.array([[3.0, 2.0, NAN, NAN]])

    assert interpolate(x, find_gaps(np.isfinite(x)), 8.0).tolist() == [[3.0, 2.0, 2.0, 2.0]]


def test_a_window_with_nothing_in_it_stays_missing() -> None:
    x = np.full((1, 4), NAN)

    assert np.isnan(interpolate(x, find_gaps(np.isfinite(x)))).all()


@settings(max_examples=40)
@given(
    arrays(np.float64, (3, 30), elements=st.floats(-1e3, 1e3)),
    arrays(np.bool_, (3, 30)),
    st.sampled_from([0.0, 8.0]),
)
def test_what_was_observed_stays_and_the_rest_is_finite(
    x: np.ndarray, mask: np.ndarray, reach: float
) -> None:
    drawn = interpolate(np.where(mask, x, NAN), find_gaps(mask), reach)

    assert (drawn[mask] == x[mask]).all()
    assert (np.isfinite(drawn).all(axis=1) == mask.any(axis=1)).all()
