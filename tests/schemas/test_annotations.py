from datetime import UTC, datetime

import polars as pl
import pytest
from dataframely.exc import ValidationError

from schemas.annotations import StoredAnnotation
from schemas.annotator import SLOTS


@pytest.fixture
def said() -> pl.DataFrame:
    """A clean strip with a measured pressure and no PPG."""
    row = dict.fromkeys(StoredAnnotation.column_names(), "none") | {
        "window_index": 3,
        "start_s": 12.0,
        "annotation": "{}",
        "rhythm": "regular",
        "heart_rate": 72,
        "ecg_quality": "good",
        "ppg_quality": "absent",
        "abp_quality": "good",
        "pressure_band": "normal",
        "pressure_source": "measured",
        "evidence_signal": "ecg",
        "evidence_from_s": 0.2,
        "evidence_to_s": 1.4,
        "steps": 4,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    row |= dict.fromkeys((f"{slot}_confidence" for slot in SLOTS), 0.5)
    return pl.DataFrame([row], schema=StoredAnnotation.create_empty().schema)


def with_value(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(name, [value], dtype=frame.schema[name]) for name, value in values.items()
    )


def test_a_whole_row_is_valid(said) -> None:
    assert StoredAnnotation.is_valid(said)


def test_every_slot_has_a_confidence() -> None:
    told = [c for c in StoredAnnotation.column_names() if c.endswith("_confidence")]

    assert told == [f"{slot}_confidence" for slot in SLOTS]


def test_all_unknown_is_valid(said) -> None:
    words = ("rhythm", "ecg_quality", "ecg_artefact", "abp_quality", "abp_artefact", "note")
    nothing = dict.fromkeys((*words, "pressure_band", "evidence_signal"), "unknown")
    numbers = dict.fromkeys(("heart_rate", "evidence_from_s", "evidence_to_s"))

    assert StoredAnnotation.is_valid(with_value(said, pressure_source="none", **nothing, **numbers))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("rate_of_its_rhythm", {"rhythm": "bradycardia"}),
        ("rate_of_its_rhythm", {"rhythm": "tachycardia"}),
        ("rate_of_its_rhythm", {"heart_rate": 101}),
        ("nothing_wrong_with_nothing", {"ppg_artefact": "noise"}),
        ("nothing_wrong_with_nothing", {"ecg_artefact": "damped"}),
        ("no_band_from_nowhere", {"pressure_source": "none"}),
        ("measured_by_a_fit_line", {"abp_quality": "bad"}),
        ("measured_by_a_fit_line", {"abp_quality": "absent"}),
        ("measured_by_a_fit_line", {"pressure_source": "imputed"}),
        ("evidence_is_a_span", {"evidence_from_s": None}),
        ("evidence_is_a_span", {"evidence_to_s": 0.2}),
        ("evidence_is_a_span", {"evidence_signal": "unknown"}),
        ("evidence_is_a_span", {"evidence_signal": "ppg"}),
        ("heart_rate", {"heart_rate": 301}),
        ("evidence_to_s", {"evidence_to_s": 4.2}),
        ("rhythm_confidence", {"rhythm_confidence": 1.01}),
        ("rhythm_confidence", {"rhythm_confidence": float("nan")}),
        ("note_confidence", {"note_confidence": None}),
        ("rhythm", {"rhythm": "asystole"}),
        ("steps", {"steps": -1}),
    ],
)
def test_what_does_not_go_together_is_refused(said, rule, told) -> None:
    with pytest.raises(ValidationError, match=rule):
        StoredAnnotation.validate(with_value(said, **told))


def test_an_imputed_pressure_goes_with_a_line_that_is_not_good(said) -> None:
    told = {"pressure_source": "imputed", "abp_quality": "fair"}

    assert StoredAnnotation.is_valid(with_value(said, **told))


def test_what_has_no_rate_may_have_any_rhythm(said) -> None:
    assert StoredAnnotation.is_valid(with_value(said, rhythm="bradycardia", heart_rate=None))
