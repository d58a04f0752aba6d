import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.subject import subject_of


@pytest.mark.parametrize(
    ("comment", "subject"),
    [
        ("subject_id 10082591", "10082591"),
        ("subject_id: p10082591", "10082591"),
        ("<subject_id>: 000020 <age>: 60", "20"),
        ("Patient: 17b", "17b"),
        ("Subject ID = A-7", "A-7"),
    ],
)
def test_a_comment_says_who(comment: str, subject: str) -> None:
    assert subject_of("training/a1", ["<age>: 60 <sex>: F", comment]) == subject


@pytest.mark.parametrize(
    "comment", ["Patient: male", "patient 12 years", "Subject: 45 year-old man", "hadm_id 29600294"]
)
def test_a_comment_about_a_subject_names_none(comment: str) -> None:
    assert subject_of("training/a1", [comment]) == "training/a1"


@pytest.mark.parametrize(
    ("record_id", "subject"),
    [
        ("waves/p100/p10020306/83404654/83404654", "10020306"),
        ("p00/p000020/p000020-2183-04-28-17-47", "20"),
        ("s00001/s00001-2896-10-09-01-56", "1"),
        ("s00001/s00001-2896-10-10-00-31", "1"),
        ("training/a171l", "training/a171l"),
        ("p12345", "p12345"),
    ],
)
def test_a_path_says_who_else_the_record_does(record_id: str, subject: str) -> None:
    assert subject_of(record_id, []) == subject


def test_a_comment_and_a_path_name_one_subject_alike() -> None:
    record_id = "waves/p100/p10014354/81739927/81739927"

    assert subject_of(record_id, ["subject_id 10014354"]) == subject_of(record_id, [])


@given(st.text(), st.lists(st.text()))
def test_every_record_has_a_subject(record_id: str, comments: list[str]) -> None:
    assert isinstance(subject_of(record_id, comments), str)
