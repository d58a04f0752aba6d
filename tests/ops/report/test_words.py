import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.report.words import age, count, duration, figure, plain, share


def test_digits_stand_in_threes() -> None:
    assert count(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("part", "of", "told"),
    [(0, 0, "\N{EN DASH}"), (0, 9, "0"), (1, 1000, "<1"), (999, 1000, ">99"), (7, 7, "100")],
)
def test_a_part_looks_like_nothing_or_all_only_where_it_is(part, of, told) -> None:
    assert share(part, of).removesuffix("\u202f%") == told


def test_a_figure_that_rounds_to_nothing_has_no_sign() -> None:
    assert figure(-0.04) == "0.0"
    assert figure(-1.26) == "\N{MINUS SIGN}1.3"


@pytest.mark.parametrize(
    ("seconds", "told"), [(3.26, "3.3 s"), (125, "2 min 5 s"), (3725, "1 h 2 min")]
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, told) -> None:
    assert duration(seconds).replace("\u202f", " ") == told


def test_a_reading_that_came_later_says_so() -> None:
    assert age(-600).replace("\u202f", " ") == "10 min after"
    assert age(30).replace("\u202f", " ") == "less than 1 min before"


@given(st.text())
def test_no_control_character_is_left_in_plain_text(text) -> None:
    shown = plain(text)

    assert len(shown) == len(text)
    assert not any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown
    )
