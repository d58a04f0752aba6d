from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cohort.columns import DESCRIPTIONS
from ops.cohort.hours import hourly, subjects
from ops.cohort.pressures import SERIES, pressures
from tests.ops.cohort.rows import START

HOUR = START.replace(minute=0)


def series(rows: list[dict]) -> pl.LazyFrame:
    plain = {"dataset": "ward", "record_id": "a-1", "subject_id": "a", "source": "synthetic"}
    full = [{name: {**plain, **row}.get(name) for name in SERIES} for row in rows]
    return pl.LazyFrame(full, schema=SERIES, orient="row")


def at(index: int, mean: float | None, **other) -> dict:
    ends = {} if mean is None else {"map": mean, "map_lower": mean - 10, "map_upper": mean + 20}
    return {
        "window_index": index,
        "start_s": 4.0 * index,
        "sbp": mean,
        **ends,
        "calibration": "cuff",
        **other,
    }


def test_an_hour_has_means_coverage_and_time_below_65() -> None:
    rows = [at(0, 60.0), at(1, 70.0), at(2, 80.0), at(3, None, abstained="range")]
    (hour,) = hourly(series(rows)).collect().rows(named=True)

    assert hour["map"] == 70.0
    assert (hour["map_lower"], hour["map_upper"]) == (60.0, 90.0)
    assert hour["n_windows"] == 3
    assert hour["coverage"] == pytest.approx(12 / 3600)
    assert hour["map_below_65_s"] == 4.0
    assert hour["map_below_65_share"] == pytest.approx(1 / 3)
    assert hour["map_lower_below_65_s"] == 8.0
    assert hour["abstained_range"] == 1
    assert hour["without_pressure"] == 0


def test_hours_are_those_of_the_clock_and_else_of_the_record(ward) -> None:
    hours = hourly(pressures(ward, mix=True)).collect()
    clock = hours.filter(hour_of="clock", source="measured")
    record = hours.filter(hour_of="record")

    assert clock["n_windows"].to_list() == [15, 5]
    assert [time.hour for time in clock["hour_start"]] == [22, 23]
    assert clock["record_id"].null_count() == 2
    assert record.select("record_id", "hour", "n_windows").rows() == [("b-1", 0, 4)]
    assert record["hour_start"].null_count() == 1


def test_measured_and_synthetic_windows_of_one_hour_are_two_rows(ward) -> None:
    hours = hourly(pressures(ward, mix=True)).collect()
    shared = hours.filter(pl.col("hour_start").dt.hour() == 23)

    assert shared.select("source", "sbp", "n_windows").rows() == [
        ("measured", 100.0, 5),
        ("synthetic", 95.0, 10),
    ]


def test_shares_say_how_an_hour_was_calibrated_and_corrected() -> None:
    rows = [
        at(0, 80.0, correction="site", correction_subjects=12, reference_age_s=-900.0),
        at(1, 80.0, calibration="none", correction="shipped", correction_subjects=3),
        at(2, 80.0, calibration=None, correction="shipped", correction_subjects=0),
        at(3, 80.0, calibration="line", correction="site", reference_age_s=30.0),
    ]
    (hour,) = hourly(series(rows)).collect().rows(named=True)

    assert [hour[f"share_{c}"] for c in ("cuff", "line", "none", "restored")] == [0.25] * 4
    assert hour["share_site_corrected"] == 0.5
    assert hour["correction_subjects"] == 0
    assert hour["oldest_reference_s"] == 900.0


def test_a_measured_hour_has_neither_interval_nor_shares() -> None:
    rows = [at(0, 60.0, source="measured", map_lower=None, map_upper=None, calibration=None)]
    (hour,) = hourly(series(rows)).collect().rows(named=True)

    assert hour["map_below_65_s"] == 4.0
    for column in ("map_lower", "map_lower_below_65_s", "share_cuff", "share_restored"):
        assert hour[column] is None


def test_an_hour_in_which_a_model_said_nothing_has_no_share_below_65() -> None:
    (hour,) = hourly(series([at(0, None, abstained="range")])).collect().rows(named=True)

    assert hour["n_windows"] == 0
    assert hour["map"] is None
    assert hour["map_below_65_share"] is None


def test_overlapping_records_fill_no_more_than_an_hour() -> None:
    rows = [
        at(i, 80.0, start_time=HOUR + timedelta(seconds=4 * i), record_id=r)
        for i in range(900)
        for r in ("a-1", "a-2")
    ]
    (hour,) = hourly(series(rows)).collect().rows(named=True)

    assert hour["coverage"] == 1.0


def test_time_that_two_records_share_counts_once() -> None:
    """Of 40 minutes 100 mmHg by one record and 60 by the other, half of each apart by a second."""
    rows = [
        at(i, mean, start_time=HOUR + timedelta(seconds=4 * i + late), record_id=record)
        for i in range(600)
        for record, mean, late in (("a-1", 100.0, 0), ("a-2", 60.0, i // 300))
    ]
    (hour,) = hourly(series(rows)).collect().rows(named=True)
    (subject,) = subjects(series(rows)).collect().rows(named=True)

    assert (hour["n_windows"], hour["map"]) == (1200, 80.0)
    assert hour["coverage"] == pytest.approx(2401 / 3600)
    assert hour["map_below_65_s"] == 2400
    assert hour["map_below_65_share"] == pytest.approx(2400 / 2401)
    assert subject["hours"] == pytest.approx(2401 / 3600)
    assert subject["map_below_65_s"] == 2400


def test_records_without_a_clock_are_told_apart_and_add_up() -> None:
    rows = [at(0, 60.0, record_id=r) for r in ("a-1", "a-2")]
    hours = hourly(series(rows)).collect()

    assert hours["map_below_65_s"].to_list() == [4.0, 4.0]
    assert subjects(series(rows)).collect()["hours"].to_list() == [pytest.approx(8 / 3600)]


def test_what_records_of_a_subject_tell_differently_is_not_told_of_it() -> None:
    patients = [
        {"care_unit": "sicu", "sex": "F", "age_years": 60.0},
        {"care_unit": "micu", "sex": "F", "age_years": 61.0},
        {},
    ]
    rows = [at(0, 80.0, record_id=f"a-{i}", **told) for i, told in enumerate(patients)]
    (subject,) = subjects(series(rows)).collect().rows(named=True)

    assert [subject[c] for c in ("care_unit", "sex", "age_years", "race")] == [
        None,
        "F",
        None,
        None,
    ]


def test_a_subject_is_one_row_a_source(ward) -> None:
    rows = subjects(pressures(ward, mix=True)).collect()

    assert rows.select("subject_id", "source", "n_windows", "n_records").rows() == [
        ("a", "measured", 20, 1),
        ("a", "synthetic", 11, 2),
        ("b", "synthetic", 4, 1),
    ]
    assert rows["hours"].to_list() == pytest.approx([80 / 3600, 44 / 3600, 16 / 3600])


def test_every_column_is_described(ward) -> None:
    mixed = pressures(ward, mix=True)
    columns = {*SERIES, *hourly(mixed).collect_schema(), *subjects(mixed).collect_schema()}

    assert columns <= DESCRIPTIONS.keys()


windows = st.builds(
    at,
    st.integers(0, 4000),
    st.none() | st.floats(20, 200, width=32),
    source=st.sampled_from(["measured", "synthetic"]),
    calibration=st.sampled_from(["cuff", "line", "none", None]),
    start_time=st.sampled_from([START, None]),
    record_id=st.sampled_from(["a-1", "a-2"]),
)


@given(st.lists(windows, max_size=30))
def test_no_window_is_lost_and_shares_are_shares(rows) -> None:
    hours = hourly(series(rows)).collect()
    counts = hours.select("n_windows", "without_pressure").sum().row(0)

    assert sum(counts) == len(rows)
    for column in (*(c for c in hours.columns if "share" in c), "coverage"):
        assert hours[column].drop_nulls().is_between(0, 1).all()
