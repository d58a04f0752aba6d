import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cohort.pressures import SERIES, measured
from ops.cohort.where import condition


def test_a_condition_chooses_windows(ward) -> None:
    rows = measured(ward).filter(condition("window_index < 3 and care_unit in ('micu', 'sicu')"))

    assert rows.collect()["window_index"].sort().to_list() == [0, 1, 2]


def test_no_condition_takes_all(ward) -> None:
    assert measured(ward).filter(condition(" ")).collect().height == 20


def test_a_time_is_written_as_sql_has_it(ward) -> None:
    rows = measured(ward).filter(condition("start_time >= TIMESTAMP '2130-01-01 23:00:00'"))

    assert rows.collect()["window_index"].min() == 15


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nope > 1", "there is no column nope"),
        ("sbp >", "unable to parse"),
        ("sbp", "it is neither true nor false"),
        ("sbp + 1 as x", "neither true nor false"),
        ("sbp > 90; drop table windows", "unexpected token"),
        ("sbp in (select 1)", "there is no column"),
        ("start_time > '2130-01-01'", "cannot compare"),
        ("read_csv('/etc/passwd') = 1", "unsupported function"),
    ],
)
def test_what_is_no_condition_on_a_window_is_told_with_the_columns(text, why) -> None:
    with pytest.raises(ValueError, match="--where takes one SQL condition, got") as told:
        condition(text)

    assert why in str(told.value)
    assert "\n" not in str(told.value)
    assert str(told.value).endswith("model_id, abstained")


words = st.sampled_from(
    [*SERIES, "and", "or", "not", "(", ")", "<", "=", "65", "'cuff'", "in", "is null", "like", "*"]
)


@given(st.lists(words, max_size=8).map(" ".join) | st.text(max_size=20))
def test_any_text_is_a_condition_or_told_to_be_none(text) -> None:
    try:
        expr = condition(text)
    except ValueError:
        return
    empty = pl.LazyFrame(schema=SERIES).filter(expr).collect()

    assert empty.schema == SERIES
