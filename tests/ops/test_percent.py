import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.percent import percent


@pytest.mark.parametrize(
    ("part", "digits", "told"),
    [(0, 1, "0.0"), (1, 1, "<0.1"), (2999, 1, ">99.9"), (3000, 1, "100.0"), (2200, 1, "73.3")],
)
def test_a_part_of_3000_looks_like_nothing_or_all_only_where_it_is(part, digits, told) -> None:
    assert percent(part, 3000, digits) == told


@given(st.integers(1, 10**9), st.data(), st.integers(0, 3))
def test_nothing_and_all_are_told_of_nothing_and_all_alone(of, data, digits) -> None:
    part = data.draw(st.integers(0, of))
    told = percent(part, of, digits)

    assert (told == f"{0:.{digits}f}") == (part == 0)
    assert (told == f"{100:.{digits}f}") == (part == of)
