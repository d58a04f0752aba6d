import re
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest

from ops.report.audited import audited_models, figure_rows
from ops.report.strips import draw_strip
from schemas.grid import MISSING


def drawn(svg: str) -> dict[str, ET.Element]:
    """The elements of a drawing by their class."""
    return {e.get("class"): e for e in ET.fromstring(svg).iter()}  # noqa: S314


@pytest.fixture
def gap(windows) -> dict:
    counts = np.zeros(500, np.int16)
    counts[200:300] = MISSING
    return windows({"abp": counts.tolist(), "ecg": [0] * 500}).row(0, named=True)


def test_what_was_measured_is_never_drawn_as_synthetic(made, gap) -> None:
    row = made({"task": "impute", "calibration": None, "conditions": ["ecg"]}).row(0, named=True)

    ecg, abp = draw_strip(row, gap, "s").lanes

    assert (ecg.measured, ecg.synthetic) == (True, False)
    there = drawn(abp.svg)
    assert there["measured"].get("d").count("M") == 2
    start = int(re.match(r"M(\d+)", there["synthetic"].get("d"))[1])
    assert start == 2 * 199
    assert there["band"].get("d").startswith(f"M{start} ")


def test_a_drawing_says_in_words_what_is_on_it(made, windows) -> None:
    row = made({}).row(0, named=True)
    window = windows({"ecg": [0] * 500, "ppg": [0] * 500}).row(0, named=True)

    abp = draw_strip(row, window, "s").lanes[-1]

    said = "".join(ET.fromstring(abp.svg).itertext())  # noqa: S314
    assert "synthetic, a dashed line in its 90 % band" in said
    assert "band from 70.0 to 90.0 mmHg" in said


def test_signals_of_different_units_share_no_lane(made, windows) -> None:
    row = made({"modality": "ecg", "task": "denoise", "calibration": None, "unit": "NU"})
    window = windows({"ecg": [0] * 500, "ecg_grade": "bad", "ppg": [0] * 500}).row(0, named=True)

    lanes = draw_strip(row.row(0, named=True), window, "s").lanes

    assert [(lane.unit, lane.measured, lane.synthetic) for lane in lanes] == [
        ("NU", True, False),
        ("mV", True, False),
        ("NU", False, True),
    ]


def test_a_strip_is_drawn_without_its_window(made) -> None:
    strip = draw_strip(made({}).row(0, named=True), None, "s")

    assert [lane.synthetic for lane in strip.lanes] == [False, False, True]


def test_an_audit_is_drawn_and_told_by_calibration(ward_audit) -> None:
    (model,) = audited_models(ward_audit)

    rows = [*figure_rows(model)]
    assert [row["calibration"] for row in rows[::3]] == ["all", "cuff", "line", "none"]
    marks = drawn(model.agreement[0])
    assert {"point cuff", "point line", "point none", "bias", "limit"} <= marks.keys()
    shares = drawn(model.coverage[0])
    assert {"whisker shipped", "whisker site", "dot shipped", "dot site"} <= shares.keys()


def test_one_calibration_is_not_told_twice(ward_audit) -> None:
    (model,) = audited_models(ward_audit.filter(pl.col("calibration") == "cuff"))

    assert list(model.calibrations) == ["cuff"]


def test_a_plot_of_many_windows_draws_some_and_says_how_many(ward_audit) -> None:
    more = pl.concat(ward_audit.with_columns(pl.col("window_index") + 12 * i) for i in range(3))

    (model,) = audited_models(more)

    points = sum(
        e.get("d").count("M")
        for name, e in drawn(model.agreement[0]).items()
        if name and name.startswith("point")
    )
    assert points == 480
    assert model.drawn.startswith("1\u202f440 windows, of which 480")


def test_an_audit_where_every_window_was_abstained_from_is_told(ward_audit) -> None:
    told = [f"{p}{end}" for p in ("sbp", "dbp", "map") for end in ("", "_lower", "_upper")]
    silent = ward_audit.with_columns(
        *(pl.lit(None, pl.Float32).alias(name) for name in told), abstained=pl.lit("range")
    )

    (model,) = audited_models(silent)

    assert model.agreement == []
    assert model.headline() == "\N{EN DASH}"


@pytest.mark.parametrize("n", [1, 2])
def test_few_subjects_are_drawn_without_intervals_and_that_is_said(ward_audit, n) -> None:
    judges = ward_audit.filter(half="judges", calibration="cuff")
    few = judges.filter(pl.col("subject_id").is_in(judges["subject_id"].unique().sort()[:n]))

    (model,) = audited_models(few)

    assert model.headline().endswith(" (too few subjects)")
    shares = drawn(model.coverage[0])
    assert "dot shipped" in shares
    assert "whisker shipped" not in shares
    marks = drawn(model.agreement[0])
    assert "doubt" not in marks
    assert ("limit" in marks) == (n > 1)
    said = "".join(ET.fromstring(model.agreement[0]).itertext())  # noqa: S314
    assert "too few" in said


def test_a_newer_spec_of_a_model_takes_the_place_of_the_older(ward_audit) -> None:
    newer = ward_audit.head(120).with_columns(
        spec_sha256=pl.lit("1"), audited_at=pl.col("audited_at").dt.offset_by("1d")
    )

    (model,) = audited_models(pl.concat([ward_audit, newer]))

    assert model.measures["windows"] == 120
