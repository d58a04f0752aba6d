"""The model beside what needs none, on the same windows."""

import polars as pl
import pytest

from ops.audit.baselines import SCHEMA, comparison


def mae(found, calibration, pressure="map"):
    rows = found.filter(calibration=calibration, pressure=pressure)
    return dict(zip(rows["method"], rows["mae"].to_list(), strict=True))


def test_a_reading_is_held_and_the_other_windows_are_averaged(audited) -> None:
    """Truths 80, 90 and 100, held at 85: off by 5, 5, 15; others' means 95, 90, 85: 15, 0, 15."""
    found = comparison(
        audited(*({"true": t, "error": 3.0, "calibration": "cuff", "held": 85.0} for t in T))
    )

    assert mae(found, "cuff") == {
        "model": pytest.approx(3),
        "last cuff held": pytest.approx(25 / 3),
        "patient mean": pytest.approx(10),
    }


T = (80.0, 90.0, 100.0)


def test_a_line_is_held_as_a_line_and_without_a_reading_nothing_is(audited) -> None:
    found = comparison(
        audited(
            *({"true": t, "calibration": "line", "held": 80.0} for t in T),
            *({"true": t, "subject_id": "b"} for t in T),
        )
    )

    assert list(mae(found, "line")) == ["model", "last line held", "patient mean"]
    assert list(mae(found, "none")) == ["model", "patient mean"]


def test_the_difference_is_paired_by_subject(audited) -> None:
    """The model is better by 2 in three subjects and by 4 in three, however bad all are.

    Of 64 samples one has all six of one kind, so that the bounds are those of five and one.
    """
    rows = [
        {"subject_id": s, "true": 80.0, "error": e, "calibration": "cuff", "held": 80.0 + held}
        for i in range(3)
        for s, e, held in ((f"a{i}", 1.0, 3.0), (f"b{i}", 20.0, 24.0))
        for _ in range(3)
    ]
    cuff = comparison(audited(*rows)).row(
        by_predicate=(pl.col("method") == "last cuff held") & (pl.col("pressure") == "map"),
        named=True,
    )

    assert cuff["difference"] == pytest.approx(-3)
    assert (cuff["difference_low"], cuff["difference_high"]) == pytest.approx(
        (-4 + 1 / 3, -2 - 1 / 3)
    )


def test_all_methods_are_judged_on_the_windows_that_all_of_them_tell(audited) -> None:
    """The third says nothing, but its truth is in its fellows' mean; a lone window has no mean."""
    cuff = {"calibration": "cuff", "held": 80.0}
    found = comparison(
        audited(
            {"true": 80.0} | cuff,
            {"true": 90.0} | cuff,
            {"true": 100.0, "abstained": "range"} | cuff,
            {"true": 70.0, "subject_id": "alone"} | cuff,
        )
    )

    assert set(found["windows"]) == {2}
    assert mae(found, "cuff")["patient mean"] == pytest.approx((15 + 0) / 2)


def test_without_rows_there_is_nothing_to_compare(audited) -> None:
    assert comparison(audited()).schema == pl.Schema(SCHEMA)
