"""Groups fall into splits by their names alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ops.split import SHARES, split_of


def test_the_shares_add_up_to_one() -> None:
    assert abs(sum(SHARES.values()) - 1) < 1e-12


def test_a_group_keeps_its_split_for_good() -> None:
    # SHA-256 puts them at 0.329, 0.983 and 0.358 of the way.
    assert [split_of(group) for group in ("p1_b1", "p1_b2", "p1_b3")] == ["train", "test", "train"]


def test_many_groups_fill_the_shares() -> None:
    counted = Counter(split_of(f"group {i}") for i in range(10_000))

    for split, share in SHARES.items():
        assert abs(counted[split] / 10_000 - share) < 0.02


@given(st.text())
def test_any_name_has_a_split(group: str) -> None:
    assert split_of(group) in SHARES
