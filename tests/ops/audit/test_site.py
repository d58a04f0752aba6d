"""A site's correction: what it rests on, what it moves, and what it leaves alone."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.ward_pool import Errors, biased, draw_ward, simulate_pool
from ops.audit.site import KEY, LEAST_SUBJECTS, SCHEMA, corrected, site_corrections
from schemas.restoration import PRESSURES


def ward_of(audited, errors, half="calibrates"):
    return audited(
        *({"subject_id": f"s{i}", "error": e, "half": half} for i, e in enumerate(errors))
    )


def only(corrections, pressure="map"):
    return corrections.row(by_predicate=pl.col("pressure") == pressure, named=True)


def test_a_bias_that_all_subjects_share_is_taken_off_whole(audited) -> None:
    found = only(site_corrections(ward_of(audited, [-8.0] * 12)))

    assert (found["shift_mmhg"], found["outward_mmhg"]) == (8, -10)
    assert (found["subjects"], found["windows"], found["correction"]) == (12, 12, "site")


def test_bounds_go_outward_to_the_subject_that_nine_of_ten_stay_within(audited) -> None:
    """Of -19 .. 19 the largest but one of 20 is 19 beyond the others' mean of -1, less 10."""
    errors = [float(e) for e in range(-19, 20, 2)]
    found = only(site_corrections(ward_of(audited, errors)))

    assert found["shift_mmhg"] == pytest.approx(0, abs=1e-6)
    assert found["outward_mmhg"] == pytest.approx(10, abs=1e-5)


def test_a_subject_of_many_windows_counts_as_one_of_few(audited) -> None:
    few = [{"subject_id": f"s{i}", "error": 0.0, "half": "calibrates"} for i in range(19)]
    many = [{"subject_id": "many", "error": -20.0, "half": "calibrates"}] * 200

    assert only(site_corrections(audited(*few, *many)))["shift_mmhg"] == pytest.approx(1)


def test_too_few_subjects_leave_the_shipped_correction_and_are_counted(audited) -> None:
    found = only(site_corrections(ward_of(audited, [-8.0] * (LEAST_SUBJECTS - 1))))

    assert (found["shift_mmhg"], found["outward_mmhg"]) == (0, 0)
    assert (found["subjects"], found["correction"]) == (9, "shipped")


def test_those_who_judge_have_no_say_and_silent_windows_none_either(audited) -> None:
    judges = ward_of(audited, [50.0] * 30, "judges")
    silent = audited(
        *(
            {"subject_id": f"q{i}", "half": "calibrates", "abstained": "range", "window_index": i}
            for i in range(30)
        )
    )
    calibrating = ward_of(audited, [2.0] * 10)
    found = site_corrections(pl.concat([judges, silent, calibrating]))

    assert only(found)["shift_mmhg"] == -2
    assert only(found)["subjects"] == 10


def test_every_model_and_calibration_has_its_own(audited) -> None:
    cuff = {"calibration": "cuff", "held": 80.0}
    rows = audited(
        *(
            {"subject_id": f"s{i}", "error": error, "half": "calibrates", "spec_sha256": spec} | by
            for i in range(10)
            for spec, error, by in (("x", 1.0, {}), ("x", 2.0, cuff), ("y", 3.0, {}))
        )
    )
    found = site_corrections(rows).filter(pl.col("pressure") == "sbp")

    assert found.select("spec_sha256", "calibration", "shift_mmhg").rows() == [
        ("x", "cuff", -2),
        ("x", "none", -1),
        ("y", "none", -3),
    ]


def test_without_an_audit_there_is_no_correction_and_rows_are_as_they_were(audited) -> None:
    nobody = site_corrections(audited())
    rows = ward_of(audited, [1.0, 2.0])
    moved = corrected(rows.lazy(), nobody).collect()

    assert nobody.schema == pl.Schema(SCHEMA)
    assert moved.select(rows.columns).equals(rows)
    assert moved["correction"].to_list() == ["shipped"] * 2
    assert moved["correction_subjects"].to_list() == [0] * 2


def test_value_and_bounds_move_together_and_bounds_stop_at_the_value(audited) -> None:
    corrections = site_corrections(ward_of(audited, [-8.0] * 12))
    row = ward_of(audited, [0.0], "judges")
    moved = corrected(row.lazy(), corrections).collect().row(0, named=True)

    assert (moved["map_lower"], moved["map"], moved["map_upper"]) == (88, 88, 88)
    assert (moved["correction"], moved["correction_subjects"]) == ("site", 12)


def test_rows_that_tell_no_pressure_have_no_correction(audited) -> None:
    silent = audited({"abstained": "range"})
    moved = corrected(silent.lazy(), site_corrections(ward_of(audited, [1.0] * 12))).collect()

    assert moved.select(*PRESSURES, "correction", "correction_subjects").row(0) == (None,) * 5


def test_measured_rows_pass_and_get_no_bounds(audited) -> None:
    nothing = {f"{p}_{end}": None for p in PRESSURES for end in ("lower", "upper")}
    measured = ward_of(audited, [1.0]).with_columns(
        calibration=pl.lit(None, pl.String), **{n: pl.lit(None, pl.Float32) for n in nothing}
    )
    moved = corrected(measured.lazy(), site_corrections(ward_of(audited, [1.0] * 12))).collect()

    assert moved.select(measured.columns).equals(measured)


def test_a_correction_is_planned_and_not_run(audited) -> None:
    """What is not asked for is not read: a scan's plan names three columns beside the key."""
    corrections = site_corrections(ward_of(audited, [1.0] * 12))
    plan = corrected(ward_of(audited, [1.0]).lazy(), corrections).select("map").explain()

    assert "PROJECT" in plan
    assert "sbp_lower" not in plan


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.9]), st.sampled_from([0.5, 2.0]))
@settings(max_examples=25, deadline=None)
def test_whatever_a_ward_is_like_the_value_stays_within_its_bounds(number, icc, narrow) -> None:
    ward = draw_ward(simulate_pool(Errors(icc, narrow), 60, number), number)
    moved = corrected(ward.lazy(), site_corrections(ward)).collect()
    told = moved.filter(pl.col("abstained").is_null())

    assert moved.select(*KEY, "record_id", "window_index").equals(
        ward.select(*KEY, "record_id", "window_index")
    )
    for p in PRESSURES:
        assert told.select(pl.col(p).is_between(f"{p}_lower", f"{p}_upper").all()).item()
        assert moved[p].null_count() == ward[p].null_count()


def test_a_ward_whose_lines_read_high_is_put_right(audited) -> None:
    ward = biased(draw_ward(simulate_pool(Errors(0.3, 1.0), 200, 0), 0, 200), 8)
    found = site_corrections(ward).filter(pl.col("calibration") != "line")

    assert found["correction"].unique().to_list() == ["site"]
    assert found["shift_mmhg"].to_list() == pytest.approx([8] * 6, abs=2.5)
