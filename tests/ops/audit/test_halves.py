"""Subjects are halved for good."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.audit.halves import half_of, with_halves
from schemas.audit import HALVES


def test_a_subject_keeps_its_half() -> None:
    """Known ones, so that no later version moves anybody from one half to the other."""
    known = [half_of("icu", subject) for subject in ("10020306", "10082591", "a", "b")]

    assert known == ["judges", "judges", "judges", "judges"]


def test_about_half_of_the_subjects_judge() -> None:
    judges = [half_of("icu", str(i)) == "judges" for i in range(2000)]

    assert 900 < sum(judges) < 1100


def test_one_name_in_two_datasets_is_two_subjects() -> None:
    apart = [half_of("one", str(i)) != half_of("other", str(i)) for i in range(2000)]

    assert 900 < sum(apart) < 1100


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=20))
@settings(max_examples=50, deadline=None)
def test_every_row_gets_the_half_of_its_subject(names) -> None:
    schema = {"dataset": pl.String, "subject_id": pl.String}
    rows = with_halves(pl.DataFrame(names, schema, orient="row"))

    assert rows["half"].to_list() == [half_of(*name) for name in names]
    assert set(rows["half"]) <= set(HALVES)
