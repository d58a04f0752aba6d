from dataclasses import replace

import pytest

from ops.audit.current import current_audit
from ops.audit.measures import audit_measures
from ops.cohort.figures import Figures, figures
from ops.cohort.methods import Model, Study, methods
from ops.cohort.pressures import pressures
from tests.ops.cohort.rows import audited_row, of_halves, window

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
