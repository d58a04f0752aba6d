import polars as pl
import pytest

from ops.reference.cuff import cuff_readings
from ops.reference.line import line_readings


def fit(lines: pl.LazyFrame, numerics: pl.LazyFrame) -> list[int]:
    return line_readings(lines, cuff_readings(numerics))["moment"].to_list()


def test_a_good_window_of_a_line_is_a_reading_of_its_own_moment(make_line, make_numerics) -> None:
    (row,) = line_readings(make_line({}), cuff_readings(make_numerics())).rows(named=True)

    assert row == {
        "dataset": "ward",
        "record_id": "a",
        "kind": "line",
        "taken_s": 0.0,
        "sbp": 120.0,
        "dbp": 70.0,
        "map": 87.0,
        "moment": 0,
        "moment_sha256": "input 0",
    }


@pytest.mark.parametrize(
    "unfit",
    [
        {"abp_grade": "fair"},
        {"abp_grade": "bad"},
        {"abp_unit": "NU"},
        {"sbp": None},
        {"sbp": 50.0, "dbp": 30.0, "map": 36.0},
        {"sbp": 290.0},
    ],
)
def test_a_window_that_is_not_good_or_not_plausible_is_no_truth(
    make_line, make_numerics, unfit
) -> None:
    assert fit(make_line({}, unfit), make_numerics()) == [0]


def test_a_line_that_contradicts_the_cuff_is_no_truth_until_they_agree(
    make_line, make_numerics
) -> None:
    unzeroed = {"sbp": 80.0, "dbp": 40.0, "map": 53.0}
    late = [{"start_s": s, "window_index": int(s // 4)} for s in (900.0, 2000.0)]
    cuffs = [(10, 121, 72, 88), (1990, 120, 70, 87)]
    lines = make_line(unzeroed, unzeroed, late[0] | unzeroed, late[1])

    assert fit(lines, make_numerics(*cuffs)) == [500]


def test_a_cuff_that_was_taken_without_the_line_has_no_say(make_line, make_numerics) -> None:
    fallen = {"sbp": 80.0, "dbp": 42.0, "map": 55.0, "start_s": 400.0, "window_index": 100}

    assert fit(make_line(fallen), make_numerics((200, 121, 72, 88))) == [100]


def test_a_patient_whose_pressure_falls_after_the_cuff_stays_truth(
    make_line, make_numerics
) -> None:
    fallen = {"sbp": 80.0, "dbp": 42.0, "map": 55.0, "start_s": 240.0, "window_index": 60}

    assert fit(make_line({}, fallen), make_numerics((20, 121, 72, 88))) == [0, 60]


def test_a_transducer_that_reads_eight_high_passes(make_line, make_numerics) -> None:
    high = {"sbp": 128.0, "dbp": 78.0, "map": 95.0}

    assert fit(make_line(high), make_numerics((60, 120, 70, 87))) == [0]
