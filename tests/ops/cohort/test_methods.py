from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from ops.audit.current import current_audit
from ops.audit.measures import audit_measures
from ops.cohort.answers import Spec, specs_of
from ops.cohort.figures import Figures, figures
from ops.cohort.methods import Model, Study, methods
from ops.cohort.pressures import pressures
from tests.ops.cohort.rows import MADE_AT, audited_row, made, of_halves, record, window

STUDY = Study(
    datasets=["ward"],
    where="map < 65",
    as_of=None,
    mix=False,
    version="1.2",
    graders=["3"],
    models=[Model("model-1", "ab" * 32, "plain", 1)],
)


@pytest.fixture(scope="module")
def audit(make_lake, tmp_path_factory):
    rows = [
        audited_row(f"{subject}-1", i, 100.0, 104.0 + i, half)
        for subject, half in of_halves(20)
        for i in range(2)
    ]
    windows = [window(row["record_id"], row["window_index"], row["true_sbp"]) for row in rows]
    lake = make_lake(tmp_path_factory.mktemp("audit") / "l", windows=windows, audit=rows)
    return audit_measures(current_audit(lake))


def test_figures_count_windows_subjects_and_reasons(ward) -> None:
    told = figures(pressures(ward, mix=True))

    assert (told["measured"].windows, told["measured"].subjects) == (20, 1)
    made = told["synthetic"]
    assert (made.windows, made.subjects, made.records) == (15, 2, 3)
    assert made.calibrations == {"cuff": 11, "none": 4}
    assert made.corrections == {"shipped": 15}
    assert made.abstained == {"reference_age": 1}
    assert made.without_clock == 4
    assert made.oldest_reference_s == 60.0
    assert made.hours == pytest.approx(60 / 3600)


def test_the_numbers_of_the_export_are_in_the_paragraph(ward) -> None:
    text = methods(STUDY, figures(pressures(ward, mix=True)), [])

    assert "with pulselake 1.2" in text
    assert "Windows that met `map < 65` were taken." in text
    assert "20 windows (1.3 min) of 1 subject had systolic" in text
    assert "estimated by model-1 (weights SHA-256 abababababab, sampler plain)" in text
    assert "15 windows (1.0 min) of 2 subjects have such a pressure" in text
    assert "73.3 % were calibrated by a cuff reading and 26.7 % were calibrated by nothing" in text
    assert "no pressure in 1 further window (6.2 % of those asked for)" in text
    assert "1 as the calibrating reading was too old" in text


def test_without_an_audit_no_error_is_claimed(ward) -> None:
    text = methods(STUDY, figures(pressures(ward, mix=True)), [])

    assert "No audit of model-1 is in the lake: its error at this site is not known." in text
    assert "how often these intervals hold at this site is not assured" in text
    assert "±" not in text


def test_the_audit_s_errors_are_those_of_the_judging_half_after_correction(audit) -> None:
    made = Figures(
        1, 1, 10, 0.1, corrections={"site": 10}, correction_subjects=20, models=["model-1"]
    )
    text = methods(STUDY, {"synthetic": made}, audit)

    assert "rests on 20 subjects or more, none of whom judged it" in text
    assert "80 windows of 40 subjects" in text
    assert "that had no say in the site's correction" in text
    assert "| cuff | SBP | 20 | 40 | 0.0 ± 0.5 | 0.5 (0.5 to 0.5) | 100.0 % |" in text
    assert "| cuff | MAP | last cuff held | 80 |" in text
    assert "| all |" not in text


def test_an_export_of_nothing_says_so() -> None:
    text = methods(STUDY, {"measured": Figures(), "synthetic": Figures()}, [])

    assert "No window had a pressure that was measured." in text
    assert "No pressure was estimated" in text
    assert "Intervals" not in text


def test_a_condition_that_leaves_silence_out_makes_no_claim_of_it() -> None:
    made = Figures(1, 1, 10, 0.1, corrections={"shipped": 10}, models=["model-1"])
    chosen = methods(STUDY, {"synthetic": made}, [])
    whole = methods(replace(STUDY, where=""), {"synthetic": made}, [])

    assert "abstained in no window" not in chosen
    assert "a condition on pressures takes no others" in chosen
    assert "The model abstained in no window." in whole


def test_a_measured_export_says_nothing_of_models() -> None:
    text = methods(STUDY, {"measured": Figures(subjects=2, windows=900, hours=1.0)}, [])

    assert "900 windows (1.0 h) of 2 subjects" in text
    assert "ynthetic" not in text
    assert "model" not in text


UNREAD = {
    "calibration": "none",
    "reference_age_s": None,
    **dict.fromkeys(("reference_sbp", "reference_dbp", "reference_map")),
}
RESTORED = {"calibration": None, "reference_age_s": None}


def paragraph(audited, *kinds, **told) -> str:
    """Write of an export by one spec of one model, made in these ways."""
    spec = Spec("ward", "model-1", "spec", "ab" * 32, "plain", 1, kinds)
    of = Figures(1, 1, 3000, 1.0, corrections={"shipped": 3000}, models=["model-1"], **told)
    return methods(replace(STUDY, specs=[spec]), {"synthetic": of}, audited)


@pytest.fixture(scope="module")
def uneven(make_lake, tmp_path_factory):
    """An audit of 12 subjects a half by cuff, of which 4 that calibrate had windows without one."""
    rows = [
        row
        for i, (subject, half) in enumerate(of_halves(12))
        for row in (
            audited_row(f"{subject}-1", 0, 100.0, 110.0, half),
            audited_row(f"{subject}-1", 1, 100.0, 110.0, half, **UNREAD),
        )
        if row["window_index"] == 0 or half == "judges" or i % 3 == 0
    ]
    windows = [window(row["record_id"], row["window_index"], 110.0) for row in rows]
    lake = make_lake(tmp_path_factory.mktemp("uneven") / "l", windows=windows, audit=rows)
    return audit_measures(current_audit(lake))


def test_each_calibration_is_judged_by_the_correction_that_it_has(uneven) -> None:
    text = paragraph(uneven, "cuff", "none")

    assert "| cuff | SBP | 12 | 12 | 0.0 ± 0.0 | 0.0 (0.0 to 0.0) | 100.0 % | 0.0 | site |" in text
    assert "| none | SBP | 16 | 16 | -10.0 ± 0.0 | 10.0 (10.0 to 10.0) |" in text
    assert "| 100.0 % | 20.0 | shipped |" in text
    assert "as the model was shipped, where the correction is `shipped`" in text
    assert "no say in the site's correction, after it, where the correction is `site`" in text
    assert "| all |" not in text


def test_the_comparison_is_over_all_audited_subjects_and_says_so(uneven) -> None:
    text = paragraph(uneven, "cuff", "none")

    assert "Over all audited subjects, every method on the same windows" in text
    assert "| cuff | SBP | last cuff held | 16 | 16 | 10.0 (10.0 to 10.0) |" in text


def test_few_subjects_have_no_interval_and_what_was_not_compared_no_row(
    make_lake, tmp_path
) -> None:
    ((subject, half), *_) = of_halves(1)
    row = audited_row(f"{subject}-1", 0, 98.0, 100.0, half)
    lake = make_lake(tmp_path / "l", windows=[window(f"{subject}-1", 0, 100.0)], audit=[row])
    text = paragraph(audit_measures(current_audit(lake)), "cuff")

    assert "as if they had none: 1 window of 1 subject." in text
    assert "| -2.0 ± not known | 2.0 (too few subjects for an interval) |" in text
    assert "last cuff held" not in text


def test_what_the_audit_has_no_row_for_is_not_known(uneven) -> None:
    text = paragraph(uneven, "cuff", "line", "restored")
    unknown = text.partition("## What is not known")[2]

    assert "by an arterial line elsewhere in the record: no row of the tables above" in unknown
    assert "whose gaps or noise were restored: an audit hides the line" in unknown
    assert "by a cuff reading" not in unknown


def test_shares_and_ages_that_are_not_nothing_do_not_look_so() -> None:
    text = paragraph([], calibrations={"cuff": 2999, "none": 1}, oldest_reference_s=20.0)
    later = paragraph([], oldest_reference_s=61.0)

    assert ">99.9 % were calibrated by a cuff reading and <0.1 % were calibrated by no" in text
    assert "A reading was less than 1 min away in time." in text
    assert "A reading was at most 2 min away in time." in later


def test_subjects_that_the_model_abstained_on_have_no_pressure(make_lake, tmp_path) -> None:
    names = ["a-1", "b-1", "c-1"]
    lake = make_lake(
        tmp_path / "l",
        windows=[window(name, 0, None) for name in names],
        backfill=[made(name, 0, 90.0 if name == "a-1" else None) for name in names],
    )
    told = figures(pressures(lake, "synthetic"))["synthetic"]

    assert (told.subjects, told.records, told.subjects_taken) == (1, 1, 3)
    assert "1 window (0.1 min) of 1 subject has such" in methods(STUDY, {"synthetic": told}, [])


def test_specs_are_those_of_the_answers_that_were_taken(make_lake, tmp_path) -> None:
    later = MADE_AT + timedelta(days=1)
    answers = [
        made("a-1", 0, 90.0, spec_sha256="old"),
        made("a-1", 1, 90.0, spec_sha256="new", sampler="other", created_at=later),
        made("a-1", 1, 90.0, spec_sha256="older", task="denoise", **RESTORED),
        made("a-1", 2, 90.0, spec_sha256="new", task="denoise", sampler="other", **RESTORED),
        made("a-1", 3, None, spec_sha256="silent"),
        made("a-1", 4, 90.0, model_id="else"),
    ]
    windows = [window("a-1", i, None) for i in range(5)]
    lake = make_lake(tmp_path / "l", windows=windows, backfill=answers, records=[record("a-1")])
    rows = pressures(lake, "synthetic")
    specs = specs_of(lake, "", rows)
    chosen = specs_of(lake, "", rows.filter(pl.col("window_index") == 1))

    assert [(s.model_id, s.spec_sha256, s.sampler, s.kinds) for s in specs] == [
        ("else", "spec", "plain", ["cuff"]),
        ("model-1", "new", "other", ["cuff", "restored"]),
        ("model-1", "old", "plain", ["cuff"]),
        ("model-1", "silent", "plain", []),
    ]
    assert [spec.spec_sha256 for spec in chosen] == ["new"]


def test_one_model_s_answers_alone_are_told_to_be() -> None:
    alone = replace(STUDY, model_id="model-1")
    of = Figures(1, 1, 10, 0.1, models=["model-1"])

    assert "Answers of model-1 alone were taken." in methods(alone, {"synthetic": of}, [])
    assert "alone were taken" not in methods(STUDY, {"synthetic": of}, [])


def test_a_spec_without_an_audit_is_told_beside_one_that_has_one(audit) -> None:
    specs = [
        Spec(dataset, "model-1", sha256, "ab" * 32, "plain", 1, ["cuff"])
        for dataset, sha256 in (("ward", "spec"), ("other", "another"))
    ]
    of = Figures(1, 1, 10, 0.1, models=["model-1"])
    text = methods(replace(STUDY, specs=specs), {"synthetic": of}, audit)

    assert "No audit of model-1 in `other` by spec another is in the lake" in text
    assert "by model-1 in `other` that were calibrated by a cuff reading: no row" in text
    assert "by model-1 in `ward` that were" not in text
