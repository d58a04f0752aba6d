import io
import string
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.deidentify import Deidentifier
from ops.demographics import SUBJECTS, demographics, told_by_comments
from ops.header import parse_header
from ops.subjects_table import by_every_name, naming_nobody, read_subjects
from schemas.demographics import PATIENT, Demographic
from schemas.known_patients import CARE_UNITS

HIDING = partial(Deidentifier(b"0123456789abcdef").name, "subject")
NOBODY = pl.DataFrame(schema=SUBJECTS)


@pytest.mark.parametrize(
    ("comment", "unit", "sex", "age"),
    [
        ("Location: micu", "micu", None, None),
        ("<age>: 60 <sex>: F", None, "F", 60),
        ("<age>: 68 <sex>: M <diagnoses>: flu <location>: CCU", "ccu", "M", 68),
        ("69 M 1085 1629 x1", None, "M", 69),
        ("-1 M 978 654 x1", None, "M", None),
        ("Age: 63", None, None, 63),
        ("Sex: female", None, "F", None),
        ("gender = male", None, "M", None),
        ("Age:\t63, Sex: M; Unit: SICU", "sicu", "M", 63),
        ("Age: 90+ years", None, None, 90),
        ("Care Unit: Medical Intensive Care Unit (MICU)", "micu", None, None),
        ("<age>: ?? <sex>: ?", None, None, None),
    ],
)
def test_a_comment_tells_unit_sex_and_age(comment, unit, sex, age) -> None:
    assert told_by_comments([comment]) == {"care_unit": unit, "sex": sex, "age_years": age}


@pytest.mark.parametrize(
    "comment",
    [
        "Age: 121",
        "Age: -4",
        "Age: 6 months",
        "Age: 60 Smith",
        "Sex: Smith",
        "Location: Dr Smith, micu",
        "born at the age: 40",
        "a mother of sex: F",
        "69 Main Street 4",
        "<age>: 60years-old <sex>: FM",
    ],
)
def test_free_text_tells_nothing(comment) -> None:
    assert set(told_by_comments([comment]).values()) == {None}


def test_the_first_of_two_that_differ_counts() -> None:
    assert told_by_comments(["Age: ??", "Age: 50", "Age: 60"])["age_years"] == 50


@given(
    st.lists(
        st.text()
        | st.builds(
            "{}{}{}{}".format,
            st.sampled_from(["age", "<sex>", "Location", "69 M 1", "<age>: 60 <", "unit"]),
            st.sampled_from([":", "=", " : ", ""]),
            st.text(string.printable + "²٣"),
            st.text(max_size=300),
        )
    )
)
def test_whatever_is_commented_only_known_words_and_ages_get_in(comments) -> None:
    told = told_by_comments(comments)

    assert told["care_unit"] in CARE_UNITS | {None}
    assert told["sex"] in {"F", "M", None}
    assert told["age_years"] is None or 0 <= told["age_years"] <= 120


def test_a_hostile_comment_costs_no_time() -> None:
    comments = ["age: " * 20_000, "<" * 100_000, "unit: " + " " * 100_000 + "x", "age:age:" * 9000]

    assert set(told_by_comments(comments).values()) == {None}


def test_headers_of_real_archives_tell_who(real_wfdb) -> None:
    samples = real_wfdb / "samples" / "multi-segment"
    told = {}
    for name in ("s00001/s00001-2896-10-09-01-56", "p000878/p000878-2137-10-26-16-57"):
        raw = (samples / f"{name}.hea").read_bytes()
        told[name[:6]] = told_by_comments(parse_header(raw, name.split("/")[1]).comments)

    assert told["s00001"] == {"care_unit": None, "sex": "F", "age_years": 60}
    assert told["p00087"]["care_unit"] == "micu"


def records(*comments: list[str] | None) -> pl.DataFrame:
    rows = [
        {"dataset": "d", "record_id": f"r{i}", "subject_id": f"{i}", "comments": lines}
        for i, lines in enumerate(comments)
    ]
    texts = dict.fromkeys(("dataset", "record_id", "subject_id"), pl.String)
    return pl.DataFrame(rows, schema={**texts, "comments": pl.List(pl.String)})


def test_the_site_goes_before_the_comments_and_fills_what_they_leave_out() -> None:
    site = read_subjects(b"subject_id,sex,race\n0,M,ASIAN\n9,F,WHITE\n", "s.csv")
    rows = demographics(records(["Age: 60", "Sex: F"], ["Sex: F"], ["nothing"], None), site)

    assert rows.select("record_id", "sex", "age_years", "race").rows() == [
        ("r0", "M", 60.0, "ASIAN"),
        ("r1", "F", None, None),
    ]
    Demographic.validate(rows.with_columns(run_id=pl.lit("run")))


def test_a_record_of_which_nothing_is_known_has_no_row() -> None:
    assert demographics(records(["subject_id 4"], [], None), NOBODY).is_empty()
    assert demographics(records(), NOBODY).is_empty()


def table(content: str) -> pl.DataFrame:
    return read_subjects(content.encode(), "site.csv")


def test_a_table_of_a_site_is_read_as_csv_or_parquet_alike() -> None:
    text = "subject_id,age_years,sex,care_unit,other\n10,63,Female,MICU,x\n011,,?,Ward 7,y\n"
    packed = io.BytesIO()
    pl.DataFrame(
        {"subject_id": ["10", "011"], "age_years": [63.0, None], "sex": ["f", "unknown"]}
    ).with_columns(care_unit=pl.Series(["micu", "Ward 7"])).write_parquet(packed)
    of_csv, of_parquet = table(text), read_subjects(packed.getvalue(), "site.parquet")

    assert of_csv.equals(of_parquet)
    assert of_csv.rows() == [
        ("10", "micu", "F", 63.0, None, None),
        ("011", "Ward 7", None, None, None, None),
    ]


def test_numbers_of_subjects_are_names() -> None:
    packed = io.BytesIO()
    pl.DataFrame({"subject_id": [10_020_306], "age_years": [70]}).write_parquet(packed)

    assert read_subjects(packed.getvalue(), "s")["subject_id"].to_list() == ["10020306"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("subject,sex\n1,F\n", "needs a column subject_id and at least one of care_unit, sex"),
        ("subject_id,height\n1,180\n", "at least one of .* got subject_id, height"),
        ("subject_id,age_years\n1,old\n", "column age_years can't hold 'old'"),
        ("subject_id,age_years\n1,130\n", "column age_years can't hold '130'"),
        ("subject_id,sex\n1,Q\n", "column sex can't hold 'Q'"),
        ("subject_id,sex\n1,F\n,M\n", "row 2 has no subject_id"),
        ("subject_id,sex\n17,F\n17,F\n", "has subject 17 more than once"),
        ("subject_id,sex\np00017,F\n17,F\n", "has subject p00017 more than once"),
        ("subject_id,sex\n1,F,9,9\n", "is neither Parquet nor CSV"),
        ("", "is neither Parquet nor CSV"),
        ("PAR1 no more", "is neither Parquet nor CSV"),
    ],
)
def test_a_table_that_is_none_is_named_with_what_is_wrong(content, reason) -> None:
    with pytest.raises(ValueError, match=rf"subjects table site\.csv:? .*{reason}"):
        table(content)


def test_a_column_of_another_type_is_named() -> None:
    packed = io.BytesIO()
    pl.DataFrame({"subject_id": [[1]], "sex": ["F"]}).write_parquet(packed)

    with pytest.raises(ValueError, match="column subject_id must be text or numbers, got List"):
        read_subjects(packed.getvalue(), "site.parquet")


def test_a_subject_is_found_under_its_own_name_and_its_records() -> None:
    named = by_every_name(table("subject_id,sex\np000020,F\nw7,M\n"))

    assert named.select("subject_id", "sex").rows() == [("p000020", "F"), ("w7", "M"), ("20", "F")]


def test_nobody_is_named_by_a_hidden_table() -> None:
    content = (
        "subject_id,age_years,care_unit,race,skin_tone\n"
        "1,89,MICU,BLACK/AFRICAN AMERICAN,Fitzpatrick IV\n"
        "2,93,Smith ward,Smith,Monk 7\n"
        "3,90,,WHITE - RUSSIAN,4711\n"
    )
    hidden = naming_nobody(table(content), HIDING)

    assert hidden.select("subject_id", "age_years", "care_unit", "race", "skin_tone").rows() == [
        (HIDING("1"), 89.0, "micu", "BLACK/AFRICAN AMERICAN", "Fitzpatrick IV"),
        (HIDING("2"), 90.0, None, None, "Monk 7"),
        (HIDING("3"), 90.0, None, "WHITE - RUSSIAN", None),
    ]


@given(
    st.lists(
        st.fixed_dictionaries({name: st.text(max_size=12) | st.none() for name in PATIENT}),
        max_size=5,
    )
)
def test_whatever_a_table_holds_rows_satisfy_the_schema_or_a_sentence_says_why(rows) -> None:
    made = pl.DataFrame(rows, schema=dict.fromkeys(PATIENT, pl.String))
    packed = made.with_row_index("subject_id").write_csv().encode()
    subjects, said = NOBODY, "subjects table site.csv is one"
    try:
        subjects = read_subjects(packed, "site.csv")
    except ValueError as error:
        said = str(error)
    told = demographics(records(*[None] * len(rows)), subjects)

    assert said.startswith("subjects table site.csv")
    Demographic.validate(told.with_columns(run_id=pl.lit("run")))
    naming_nobody(subjects, HIDING)
