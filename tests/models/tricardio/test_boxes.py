"""Sums over fine positions are those that a loop would make."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.tricardio.architecture import POSITIONS, SPAN
from models.tricardio.boxes import around, pooled

COUNTS = hnp.arrays(
    "float32", st.tuples(st.just(2), st.integers(2, 30)), elements=st.integers(-9, 9)
)


@given(COUNTS, st.data())
@settings(max_examples=50, deadline=None)
def test_a_sum_reaches_as_far_on_either_side_and_not_beyond_the_ends(rows, data) -> None:
    length = rows.shape[1]
    reach = data.draw(st.integers(1, length - 1))
    summed = around(torch.from_numpy(rows), reach)

    expected = [
        [row[max(p - reach, 0) : p + reach + 1].sum() for p in range(length)] for row in rows
    ]
    assert summed.tolist() == expected


def test_a_sum_leaves_what_it_sums_alone() -> None:
    ones = torch.ones(3, 4, POSITIONS)
    summed = around(ones, 2)

    assert (ones == 1).all()
    assert summed[2, 3, :4].tolist() == [3, 4, 5, 5]
    assert summed[2, 3, -4:].tolist() == [5, 5, 4, 3]


def test_a_fine_position_has_the_sum_of_its_own_five_samples() -> None:
    summed = pooled(torch.arange(2.0 * SPAN).view(2, SPAN))

    assert summed.shape == (2, POSITIONS)
    assert summed[0, :2].tolist() == [0 + 1 + 2 + 3 + 4, 5 + 6 + 7 + 8 + 9]
    assert summed[1, -1] == 5 * 1197
