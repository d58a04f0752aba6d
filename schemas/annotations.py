"""Annotated windows: a filled template each, and the same words as columns."""

import dataframely as dy
import polars as pl

from schemas.annotation import (
    ARTEFACTS,
    BANDS,
    OF_A_LINE,
    QUALITIES,
    RATES,
    REGULAR,
    RHYTHMS,
    SHOWN,
    SOURCES,
    UNKNOWN,
)
from schemas.columns import confidence, key, one_of, stamp
from schemas.grid import WINDOW_S
from schemas.modality import MODALITIES


class StoredAnnotation(dy.Schema):
    """What one annotator says of one window.

    ``annotation`` is the filled template of ``schemas.template`` as JSON text, and the columns up
    to ``note`` are its slots; what is ``unknown`` there is null in a number's column.
    ``{slot}_confidence`` lies in [0, 1], and is 1 where the slot was given. ``steps`` are passes
    through the network. ``input_sha256`` hashes the window's own and what was given of it,
    ``spec_sha256`` the annotator and its model.
    """

    dataset = key()
    record_id = key()
    window_index = dy.Int32(primary_key=True, min=0)
    model_id = key()
    subject_id = dy.String()
    start_s = dy.Float64(min=0)
    annotation = dy.String()
    rhythm = one_of(*RHYTHMS)
    heart_rate = dy.Int16(nullable=True, min=RATES[0], max=RATES[1])
    ecg_quality = one_of(*QUALITIES)
    ecg_artefact = one_of(*ARTEFACTS)
    ppg_quality = one_of(*QUALITIES)
    ppg_artefact = one_of(*ARTEFACTS)
    abp_quality = one_of(*QUALITIES)
    abp_artefact = one_of(*ARTEFACTS)
    pressure_band = one_of(*BANDS)
    pressure_source = one_of(*SOURCES)
    evidence_signal = one_of(*SHOWN)
    evidence_from_s = dy.Float64(nullable=True, min=0, max=WINDOW_S)
    evidence_to_s = dy.Float64(nullable=True, min=0, max=WINDOW_S)
    note = dy.String()
    rhythm_confidence = confidence()
    heart_rate_confidence = confidence()
    ecg_quality_confidence = confidence()
    ecg_artefact_confidence = confidence()
    ppg_quality_confidence = confidence()
    ppg_artefact_confidence = confidence()
    abp_quality_confidence = confidence()
    abp_artefact_confidence = confidence()
    pressure_band_confidence = confidence()
    pressure_source_confidence = confidence()
    evidence_confidence = confidence()
    note_confidence = confidence()
    steps = dy.Int32(min=0)
    model_sha256 = dy.String()
    spec_sha256 = dy.String()
    input_sha256 = dy.String()
    run_id = dy.String()
    created_at = stamp()

    @dy.rule()
    def rate_of_its_rhythm(cls) -> pl.Expr:
        """A slow, a fast and a regular rhythm have the rates of their names."""
        rate, (low, high) = pl.col("heart_rate"), REGULAR
        fits = {
            "bradycardia": rate < low,
            "tachycardia": rate > high,
            "regular": rate.is_between(low, high),
        }
        return pl.all_horizontal((pl.col("rhythm") != word) | fit for word, fit in fits.items())

    @dy.rule()
    def nothing_wrong_with_nothing(cls) -> pl.Expr:
        """A signal that is absent has no artefact, and only a line has those of a line."""
        absent = [
            (pl.col(f"{m}_quality") != "absent") | pl.col(f"{m}_artefact").is_in(["none", UNKNOWN])
            for m in MODALITIES
        ]
        no_line = [~pl.col(f"{m}_artefact").is_in(sorted(OF_A_LINE)) for m in ("ecg", "ppg")]
        return pl.all_horizontal(*absent, *no_line)

    @dy.rule()
    def no_band_from_nowhere(cls) -> pl.Expr:
        """A pressure that comes from nowhere has no band."""
        return (pl.col("pressure_source") != "none") | (pl.col("pressure_band") == UNKNOWN)

    @dy.rule()
    def measured_by_a_fit_line(cls) -> pl.Expr:
        """A measured pressure comes from a line that is fit, and an imputed one from none good."""
        quality, source = pl.col("abp_quality"), pl.col("pressure_source")
        fit = quality.is_in(["good", "fair", UNKNOWN])
        return ((source != "measured") | fit) & ((source != "imputed") | (quality != "good"))

    @dy.rule()
    def evidence_is_a_span(cls) -> pl.Expr:
        """Evidence lies in a signal that is there and ends after it begins, or is unknown."""
        begin, end = pl.col("evidence_from_s"), pl.col("evidence_to_s")
        there = [
            (pl.col("evidence_signal") != m) | (pl.col(f"{m}_quality") != "absent")
            for m in MODALITIES
        ]
        none = pl.col("evidence_signal") == UNKNOWN
        whole = begin.is_not_null() & end.is_not_null() & (begin < end).fill_null(value=True)
        return (
            pl.when(none)
            .then(begin.is_null() & end.is_null())
            .otherwise(pl.all_horizontal(whole, *there))
        )
