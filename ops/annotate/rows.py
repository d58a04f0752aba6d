"""A shard of windows through an annotator into rows of the ``annotations`` table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from ops.annotate.given import GIVEN
from ops.annotate.plan import AnnotateShard, spec_sha256
from ops.fill.signals import physical
from schemas.annotation import UNKNOWN
from schemas.annotations import StoredAnnotation
from schemas.annotator import SLOTS, AnnotateBatch, Annotated, Annotator, Given
from schemas.grid import WINDOW_S
from schemas.modality import MODALITIES, UNITS
from schemas.template import Annotation, parse_annotation


def annotate_rows(
    shard: AnnotateShard, windows: pl.DataFrame, annotator: Annotator, run_id: str
) -> pl.DataFrame:
    """Annotate what a shard wants; give its rows by the ``StoredAnnotation`` schema.

    A window that is gone, or has changed since the shard was cut, has none.

    Raises:
        ValueError: where the annotator breaks its promise, naming the window and the slot.
    """
    now = windows.rename({"input_sha256": "window_sha256"})
    inputs = shard.wants.join(now, on=["window_index", "window_sha256"], maintain_order="left")
    if inputs.is_empty():
        return StoredAnnotation.create_empty()
    batch = _batch(inputs)
    annotated = annotator.annotate(batch)
    _see_lengths(annotated, inputs.height)
    whole = list(_whole(shard, inputs, batch, annotated))
    return StoredAnnotation.cast(
        inputs.select(
            pl.lit(shard.dataset).alias("dataset"),
            pl.lit(shard.record_id).alias("record_id"),
            "window_index",
            "input_sha256",
            pl.lit(annotator.model_id).alias("model_id"),
            pl.lit(shard.subject_id).alias("subject_id"),
            (pl.col("window_index") * WINDOW_S).alias("start_s"),
            *columns_of(whole),
            *_confidence(annotated),
            pl.Series("steps", annotated.steps),
            pl.lit(annotator.model_sha256).alias("model_sha256"),
            pl.lit(spec_sha256(annotator)).alias("spec_sha256"),
            pl.lit(run_id).alias("run_id"),
            pl.lit(datetime.now(UTC)).alias("created_at"),
        ).select(StoredAnnotation.column_names())
    )


def _batch(inputs: pl.DataFrame) -> AnnotateBatch:
    known = {
        m: (inputs[f"{m}_unit"] == UNITS[m]).fill_null(value=False).to_numpy() for m in MODALITIES
    }
    given = [
        {slot: word for slot, word in row.items() if word is not None}
        for row in inputs.select(GIVEN).iter_rows(named=True)
    ]
    return AnnotateBatch({m: physical(inputs, m) for m in MODALITIES}, known, given)


def _see_lengths(annotated: Annotated, n: int) -> None:
    lengths = {slot: len(annotated.confidence.get(slot, ())) for slot in SLOTS}
    lengths |= {"annotations": len(annotated.annotations), "steps": len(annotated.steps)}
    for name, length in lengths.items():
        if length != n:
            message = f"an annotator must give {n} {name}, one a window, got {length}"
            raise ValueError(message)


def _whole(
    shard: AnnotateShard, inputs: pl.DataFrame, batch: AnnotateBatch, annotated: Annotated
) -> Iterator[Annotation]:
    """Give the annotations as they are read again; see that each is valid and keeps what was given.

    Raises:
        ValueError: naming the window.
    """
    of_window = zip(inputs["window_index"], annotated.annotations, batch.given, strict=True)
    for index, annotation, given in of_window:
        try:
            whole = parse_annotation(annotation.model_dump_json(warnings=False))
            _see_given(whole, given)
        except ValueError as error:
            message = f"annotation of window {index} of {shard.record_id} is refused: {error}"
            raise ValueError(message) from error
        yield whole


def _see_given(annotation: Annotation, given: Given) -> None:
    said = slots_of(annotation)
    for slot, word in given.items():
        if said[slot] != word:
            message = f"{slot} must stay {word} as it was given, got {said[slot]}"
            raise ValueError(message)


def columns_of(annotations: list[Annotation]) -> list[pl.Series]:
    """Give the template as text, and each of its slots as a column."""
    rows = [{"annotation": a.to_json(), **slots_of(a)} for a in annotations]
    types = StoredAnnotation.create_empty().schema
    return [pl.Series(name, [row[name] for row in rows], dtype=types[name]) for name in rows[0]]


def slots_of(annotation: Annotation) -> dict[str, Any]:
    """Name what each slot says, by its column; a number that is unknown is null."""
    signals = {m: annotation.signal(m) for m in MODALITIES}
    evidence = annotation.evidence
    return {
        "rhythm": annotation.rhythm,
        "heart_rate": _known(annotation.heart_rate),
        **{f"{m}_quality": said.quality for m, said in signals.items()},
        **{f"{m}_artefact": said.artefact for m, said in signals.items()},
        "pressure_band": annotation.pressure.band,
        "pressure_source": annotation.pressure.source,
        "evidence_signal": evidence.signal,
        "evidence_from_s": _known(evidence.from_s),
        "evidence_to_s": _known(evidence.to_s),
        "note": annotation.note,
    }


def _known(value: float | str) -> float | str | None:
    return None if value == UNKNOWN else value


def _confidence(annotated: Annotated) -> Iterator[pl.Series]:
    for slot in SLOTS:
        values = np.asarray(annotated.confidence[slot], np.float32)
        yield pl.Series(f"{slot}_confidence", values)
