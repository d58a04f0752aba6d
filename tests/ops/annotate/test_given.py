from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.annotate.given import GIVEN, WINDOW, imputed_band, with_given
from schemas.annotation import BANDS, band_of
from tests.ops.cohort.rows import MADE_AT


def told(windows: pl.DataFrame, backfill: pl.DataFrame) -> list[tuple[str, str | None]]:
    rows = with_given(windows.lazy(), backfill.lazy()).sort("window_index")
    return rows.select(GIVEN).rows()


def test_a_line_that_tells_its_pressures_is_measured_and_its_band_left_open(
    windows, filled
) -> None:
    assert told(windows([120.0]), filled([])) == [("measured", None)]


def test_a_made_pressure_is_imputed_and_never_measured(windows, filled) -> None:
    assert told(windows([None]), filled([125.0])) == [("imputed", "normal")]


def test_without_line_and_made_pressure_there_is_no_source(windows, filled) -> None:
    abstained = filled([None])

    assert told(windows([None]), abstained) == [("none", "unknown")]


def test_a_made_pressure_beside_a_measured_one_says_nothing(windows, filled) -> None:
    assert told(windows([120.0]), filled([80.0])) == [("measured", None)]


@pytest.mark.parametrize("sbp", [95.0, 135.0])
def test_a_made_pressure_whose_interval_crosses_a_bound_has_no_band(windows, filled, sbp) -> None:
    assert told(windows([None]), filled([sbp])) == [("imputed", "unknown")]


def test_a_line_of_unknown_unit_measures_nothing(windows, filled) -> None:
    counts = windows([120.0], abp_unit="NU", sbp=None, dbp=None, map=None)

    assert told(counts, filled([])) == [("none", "unknown")]
    assert told(windows([120.0], abp_unit="NU"), filled([])) == [("none", "unknown")]


def test_a_good_line_is_never_imputed(windows, filled) -> None:
    silent = windows([120.0], map=None)

    assert told(silent, filled([125.0], task="impute")) == [("none", "unknown")]
    assert told(silent.with_columns(abp_grade=pl.lit("bad")), filled([125.0])) == [
        ("imputed", "normal")
    ]


def test_what_was_made_of_a_window_that_has_changed_is_none(windows, filled) -> None:
    assert told(windows([None]), filled([125.0], input_sha256="before")) == [("none", "unknown")]


def test_a_made_ecg_is_no_pressure(windows, filled) -> None:
    assert told(windows([None]), filled([125.0], modality="ecg")) == [("none", "unknown")]


def test_of_two_made_pressures_the_newer_counts(windows, filled) -> None:
    newer = filled([80.0], model_id="model-0", created_at=MADE_AT + timedelta(days=1))

    assert told(windows([None]), pl.concat([newer, filled([125.0])])) == [("imputed", "low")]


def test_the_hash_of_the_input_changes_with_the_window_and_with_what_is_given(
    windows, filled
) -> None:
    cases = [
        (windows([None]), filled([])),
        (windows([None]), filled([125.0])),
        (windows([None]), filled([95.0])),
        (windows([120.0]), filled([])),
        (windows([None], input_sha256="other"), filled([])),
    ]
    hashes = [with_given(w.lazy(), b.lazy())["input_sha256"][0] for w, b in cases]

    assert len(set(hashes)) == len(cases)
    again = with_given(windows([None]).lazy(), filled([126.0]).lazy())["input_sha256"][0]
    assert again == hashes[1], "another pressure of the same band gives the same"


def test_each_window_is_listed_once_and_no_signal_is(windows, filled) -> None:
    rows = with_given(windows([120.0, None, None]).lazy(), filled([90.0, 80.0]).lazy())

    assert rows.columns == [*WINDOW, "subject_id", *GIVEN, "window_sha256", "input_sha256"]
    assert rows["window_index"].sort().to_list() == [0, 1, 2]


MMHG = st.floats(20, 260)


@given(MMHG, MMHG, MMHG, st.floats(0, 60), st.tuples(*[st.floats(-1, 1)] * 3))
def test_a_band_that_is_told_is_that_of_every_pressure_in_the_interval(
    sbp, dbp, mean, width, moved
) -> None:
    values = (sbp, dbp, mean)
    low, high = ([v + sign * width for v in values] for sign in (-1, 1))
    band = imputed_band(*values, *low, *high)
    inside = [v + width * by for v, by in zip(values, moved, strict=True)]

    assert band in BANDS
    assert band in ("unknown", band_of(*inside))
