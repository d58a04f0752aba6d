import pytest

from schemas.known_patients import care_unit_of, is_known_group, is_known_tone, sex_of


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("MICU", "micu"),
        ("Medical/Surgical Intensive Care Unit (MICU/SICU)", None),
        ("Cardiac Vascular Intensive Care Unit (CVICU)", "cvicu"),
        ("CCU-CTICU", None),
        ("Step-down", "stepdown"),
        ("Smith ward", None),
        ("", None),
    ],
)
def test_a_unit_goes_by_its_short_word_and_free_text_is_none(text, unit) -> None:
    assert care_unit_of(text) == unit


def test_a_sex_is_one_of_three_letters() -> None:
    assert [sex_of(text) for text in ("f", " Female", "M", "other", "Smith")] == [
        "F",
        "F",
        "M",
        "X",
        None,
    ]


def test_groups_and_tones_are_told_by_words_that_name_nobody() -> None:
    groups = [
        "WHITE",
        "BLACK/AFRICAN AMERICAN",
        "HISPANIC/LATINO - PUERTO RICAN",
        "Smith",
        "",
        "77",
    ]
    tones = ["Fitzpatrick IV", "Monk 10", "3", "light brown", "Smith 3", "4711", ""]

    assert [is_known_group(text) for text in groups] == [True] * 3 + [False] * 3
    assert [is_known_tone(text) for text in tones] == [True] * 4 + [False] * 3
