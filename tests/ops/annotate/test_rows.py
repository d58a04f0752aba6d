from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ops.annotate.given import with_given
from ops.annotate.plan import shards, spec_sha256
from ops.annotate.rows import annotate_rows, columns_of
from schemas.annotation import ARTEFACTS, BANDS, QUALITIES, RHYTHMS, SHOWN, SOURCES
from schemas.annotations import StoredAnnotation
from schemas.annotator import SLOTS
from schemas.template import Annotation, Evidence, Pressure, Signal, parse_annotation

GOOD = Signal(quality="good", artefact="none")
CLEAN = Annotation(
    rhythm="regular",
    heart_rate=72,
    ecg=GOOD,
    evidence=Evidence(signal="ecg", from_s=0.2, to_s=1.4),
    note="clean strip",
)


def rows_of(windows, backfill, annotator, read=None) -> pl.DataFrame:
    (shard,) = shards(with_given(windows.lazy(), backfill.lazy()))
    read = windows if read is None else read
    return annotate_rows(shard, read, annotator, "run")


def test_the_template_and_its_slots_lie_in_columns(windows, filled, parrot) -> None:
    annotator = parrot(CLEAN)
    rows = StoredAnnotation.validate(rows_of(windows([None, 120.0]), filled([]), annotator))
    first = rows.row(0, named=True)

    assert parse_annotation(first["annotation"]) == CLEAN
    assert [first[c] for c in ("rhythm", "heart_rate", "ecg_quality", "note")] == [
        *("regular", 72, "good", "clean strip")
    ]
    assert (first["evidence_from_s"], first["evidence_to_s"]) == (0.2, 1.4)
    assert (first["model_id"], first["spec_sha256"]) == ("parrot-1", spec_sha256(annotator))
    assert (first["steps"], first["run_id"], first["subject_id"]) == (3, "run", "a")
    assert rows["pressure_source"].to_list() == ["none", "measured"]
    assert {first[f"{slot}_confidence"] for slot in SLOTS} == {0.5}
    assert rows["start_s"].to_list() == [0.0, 4.0]


def test_numbers_that_are_unknown_are_null(windows, filled, parrot) -> None:
    rows = rows_of(windows([None]), filled([]), parrot())

    assert rows.select("heart_rate", "evidence_from_s", "evidence_to_s").rows() == [(None,) * 3]
    assert rows.select("rhythm", "evidence_signal").rows() == [("unknown", "unknown")]


def test_an_annotator_is_given_signals_in_their_units_and_the_source_of_a_pressure(
    windows, filled, parrot
) -> None:
    annotator = parrot()
    counts = windows([120.0, None, None, 120.0])
    unknown = pl.when(pl.col("window_index") == 3).then(pl.lit("NU")).otherwise("abp_unit")
    rows_of(counts.with_columns(abp_unit=unknown), filled([None, 125.0]), annotator)
    (batch,) = annotator.asked

    assert batch.signals["abp"][0, 0] == 60.5
    assert np.isnan(batch.signals["ecg"]).all()
    assert batch.calibrated["abp"].tolist() == [True, False, False, False]
    assert list(batch.given) == [
        {"pressure_source": "measured"},
        {"pressure_source": "imputed", "pressure_band": "normal"},
        {"pressure_source": "none", "pressure_band": "unknown"},
        {"pressure_source": "none", "pressure_band": "unknown"},
    ]


def test_a_window_that_is_gone_or_has_changed_has_no_row(windows, filled, parrot) -> None:
    two = windows([None, None])
    changed = two.with_columns(
        input_sha256=pl.when(pl.col("window_index") == 0)
        .then(pl.lit("now"))
        .otherwise("input_sha256")
    )

    assert rows_of(two, filled([]), parrot(), changed)["window_index"].to_list() == [1]
    assert rows_of(two, filled([]), parrot(), two.clear()).is_empty()


def test_an_annotation_that_is_none_is_refused_by_its_window(windows, filled, parrot) -> None:
    wrong = parrot(Annotation.model_construct(**dict(CLEAN) | {"rhythm": "asystole"}))

    with pytest.raises(ValueError, match="annotation of window 0 of a is refused: rhythm"):
        rows_of(windows([None]), filled([]), wrong)


def test_words_that_do_not_go_together_are_refused(windows, filled, parrot) -> None:
    wrong = parrot(Annotation.model_construct(**dict(CLEAN) | {"rhythm": "bradycardia"}))

    with pytest.raises(ValueError, match="a rate of 72 is no bradycardia rhythm"):
        rows_of(windows([None]), filled([]), wrong)


def test_what_was_given_may_not_be_changed(windows, filled, parrot) -> None:
    def measured(annotated):
        pressure = Pressure(band="low", source="measured")
        told = [a.model_copy(update={"pressure": pressure}) for a in annotated.annotations]
        return replace(annotated, annotations=told)

    with pytest.raises(ValueError, match="pressure_source must stay imputed as it was given"):
        rows_of(windows([None]), filled([125.0]), parrot(changed=measured))


@pytest.mark.parametrize("part", ["annotations", "steps", "rhythm"])
def test_one_answer_a_window_is_asked_for(windows, filled, parrot, part) -> None:
    def short(annotated):
        if part == "rhythm":
            less = {**annotated.confidence, "rhythm": annotated.confidence["rhythm"][:1]}
            return replace(annotated, confidence=less)
        return replace(annotated, **{part: getattr(annotated, part)[:1]})

    with pytest.raises(ValueError, match=f"must give 2 {part}, one a window, got 1"):
        rows_of(windows([None, None]), filled([]), parrot(changed=short))


SIGNAL = st.builds(dict, quality=st.sampled_from(QUALITIES), artefact=st.sampled_from(ARTEFACTS))
ANY = st.fixed_dictionaries(
    {
        "rhythm": st.sampled_from(RHYTHMS),
        "heart_rate": st.one_of(st.just("unknown"), st.integers(20, 300)),
        "ecg": SIGNAL,
        "ppg": SIGNAL,
        "abp": SIGNAL,
        "pressure": st.builds(dict, band=st.sampled_from(BANDS), source=st.sampled_from(SOURCES)),
        "evidence": st.builds(
            dict,
            signal=st.sampled_from(SHOWN),
            from_s=st.sampled_from(["unknown", 0.0, 0.2, 3.8]),
            to_s=st.sampled_from(["unknown", 0.2, 2.0, 4.0]),
        ),
    }
)


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_the_table_takes_what_the_template_takes_and_nothing_else(parts) -> None:
    try:
        Annotation.model_validate(parts)
    except ValidationError:
        is_one = False
    else:
        is_one = True

    assert StoredAnnotation.is_valid(stored(constructed(parts))) == is_one


def constructed(parts) -> Annotation:
    """Make a template without asking whether it is one."""
    inner = {"ecg": Signal, "ppg": Signal, "abp": Signal}
    inner |= {"pressure": Pressure, "evidence": Evidence}
    made = {name: kind.model_construct(**parts[name]) for name, kind in inner.items()}
    return Annotation.model_construct(**parts | made, note="unknown")


def stored(annotation: Annotation) -> pl.DataFrame:
    told = {column.name: column[0] for column in columns_of([annotation])}
    rest = {"window_index": 0, "steps": 0, "start_s": 0.0, "created_at": datetime.now(UTC)}
    rest |= dict.fromkeys((f"{slot}_confidence" for slot in SLOTS), 1.0)
    empty = StoredAnnotation.create_empty()
    row = {name: (told | rest).get(name, "") for name in empty.columns}
    return pl.DataFrame([row | told], schema=empty.schema)
