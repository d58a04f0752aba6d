import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.reference.choose import SCHEMA
from ops.reference.readings import readings, with_references

ABSENT = {"abp_grade": "absent", "abp_unit": None, "sbp": None, "dbp": None, "map": None}


def wants(*indexes: int, task: str = "translate", modality: str = "abp") -> pl.DataFrame:
    rows = [("ward", "a", i, 4.0 * i, task, modality) for i in indexes]
    types = dict.fromkeys(("dataset", "record_id", "task", "modality"), pl.String)
    numbers = {"window_index": pl.Int32, "start_s": pl.Float64}
    names = ["dataset", "record_id", "window_index", "start_s", "task", "modality"]
    schema = {name: (types | numbers)[name] for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row")


def at(start_s: float, **told: object) -> dict[str, object]:
    return {"start_s": start_s, "window_index": int(start_s // 4), **told}


def test_a_window_goes_by_the_latest_reading_before_it(make_line, make_numerics) -> None:
    numerics = make_numerics((60, 120, 70, 88), (300, 130, 75, 95))
    read = readings(make_line(), numerics)
    (row,) = with_references(wants(100), read).rows(named=True)

    assert (row["calibration"], row["reference_age_s"]) == ("cuff", 100.0)
    assert [row[f"reference_{p}"] for p in ("sbp", "dbp", "map")] == [130.0, 75.0, 95.0]


def test_before_the_first_reading_a_window_goes_by_that_and_its_age_is_negative(
    make_line, make_numerics
) -> None:
    read = readings(make_line(), make_numerics((60, 120, 70, 88)))
    (row,) = with_references(wants(5), read).rows(named=True)

    assert (row["calibration"], row["reference_age_s"]) == ("cuff", -40.0)


def test_a_line_elsewhere_in_the_record_calibrates(make_line, make_numerics) -> None:
    read = readings(make_line(at(40), at(80)), make_numerics((60, 120, 70, 88)))
    rows = with_references(wants(16, 25), read)

    assert rows["calibration"].to_list() == ["cuff", "line"]
    assert rows["reference_age_s"].to_list() == [4.0, 20.0]
    assert rows["moment"].to_list()[1] == 20


def test_a_reading_that_comes_too_long_after_a_window_takes_nothing_from_it(
    make_line, make_numerics
) -> None:
    read = readings(make_line(), make_numerics((5000, 120, 70, 88)))
    rows = with_references(wants(0, 1200), read, 600.0)

    assert rows["calibration"].to_list() == ["none", "cuff"]


@pytest.mark.parametrize("index", [10, 30])
def test_of_the_same_moment_the_line_goes_before_the_cuff(make_line, make_numerics, index) -> None:
    read = readings(make_line(at(80)), make_numerics((80, 120, 70, 88)))

    assert with_references(wants(index), read)["calibration"].to_list() == ["line"]


def test_without_any_reading_the_calibration_is_none(make_line, make_numerics) -> None:
    (row,) = with_references(wants(5), readings(make_line(), make_numerics())).rows(named=True)

    assert row["calibration"] == "none"
    assert all(row[name] is None for name in SCHEMA if name != "calibration")


@pytest.mark.parametrize(("task", "modality"), [("impute", "abp"), ("translate", "ecg")])
def test_what_is_no_pressure_made_from_others_has_no_calibration(
    make_line, make_numerics, task, modality
) -> None:
    read = readings(make_line(), make_numerics((60, 120, 70, 88)))
    (row,) = with_references(wants(50, task=task, modality=modality), read).rows(named=True)

    assert all(row[name] is None for name in SCHEMA)


def test_the_moment_of_a_cuff_is_shown_by_the_nearest_window_with_both_signals(
    make_line, make_numerics
) -> None:
    windows = make_line(
        at(100, **ABSENT),
        at(116, ecg_grade="bad", **ABSENT),
        at(132, ecg_grade="bad", ppg_grade="bad", **ABSENT),
    )
    cuffs = make_numerics((120, 120, 70, 88), (1000, 131, 70, 90))
    rows = with_references(wants(200, 300), readings(windows, cuffs))

    assert rows.select("moment", "moment_sha256").rows() == [(25, "input 0"), (None, None)]


def test_a_moment_with_one_signal_is_better_than_none(make_line, make_numerics) -> None:
    windows = make_line(at(116, ecg_grade="bad", **ABSENT))
    rows = with_references(wants(200), readings(windows, make_numerics((120, 120, 70, 88))))

    assert rows["moment"].to_list() == [29]


def test_a_reading_has_one_hash_wherever_it_is_used_and_another_once_its_window_changes(
    make_line, make_numerics
) -> None:
    cuff = make_numerics((120, 120, 70, 88))
    rows = with_references(wants(200, 201), readings(make_line(at(116, **ABSENT)), cuff))
    read_again = make_line(at(116, input_sha256="other", **ABSENT))
    (changed,) = with_references(wants(200), readings(read_again, cuff))["reference_sha256"]

    assert rows["reference_sha256"].n_unique() == 1
    assert changed != rows["reference_sha256"][0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.integers(0, 400), unique=True, max_size=8),
    st.lists(st.integers(1, 1600), unique=True, max_size=6),
    st.lists(st.integers(0, 400), unique=True, max_size=6),
)
def test_whatever_is_read_each_window_has_the_latest_before_it_or_else_the_first_after(
    make_line, make_numerics, asked, cuff_times, line_indexes
) -> None:
    cuffs = [(at_s, 120 + i, 70, 88) for i, at_s in enumerate(cuff_times)]
    read = readings(make_line(*(at(4.0 * i) for i in line_indexes)), make_numerics(*cuffs))
    rows = with_references(wants(*asked), read)
    times = read["taken_s"].to_list()

    assert rows["window_index"].to_list() == asked
    for row in rows.iter_rows(named=True):
        before = [t for t in times if t <= row["start_s"]]
        best = max(before) if before else min(times, default=None)
        age = None if best is None else row["start_s"] - best
        assert row["reference_age_s"] == age
        assert (row["calibration"] == "none") == (age is None)
