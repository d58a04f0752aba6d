"""What each column of the lake means, in words and units, for those who read it.

``MEANINGS`` is looked up by ``table.column``, then by ``column``; ``{m}`` stands for a modality. A
unit is empty where a value has none, or says it itself.
"""

from typing import Final

from schemas.modality import MODALITIES, UNITS

Meaning = tuple[str, str]
"""Unit and words."""

_SHARED: Final[dict[str, Meaning]] = {
    "dataset": ("", "the archive's name in the lake"),
    "record_id": ("", "the record's path below the source, without extension"),
    "window_index": ("", "which window of the record, from 0"),
    "subject_id": ("", "whose record it is; the record itself where the archive does not tell"),
    "start_s": ("s", "from the record's start to the window's"),
    "run_id": ("", "the run that wrote the row"),
    "model_id": ("", "name and version of the model"),
    "model_sha256": ("", "hash of the model's weights or tables, and code"),
    "spec_sha256": ("", "hash of all that decided the row: rules, model, sampler, seed"),
    "input_sha256": ("", "hash of what it was made from"),
    "reference_sha256": ("", "hash of the reading that the model went by"),
    "grader_version": ("", "of the grading rules"),
    "reader_version": ("", "of the code that reads records"),
    "created_at": ("UTC", "when the row was made"),
    "sbp": ("mmHg", "systolic pressure"),
    "dbp": ("mmHg", "diastolic pressure"),
    "map": ("mmHg", "mean arterial pressure"),
    **{
        f"{p}_{end}": ("mmHg", f"{end} bound of its 90 % interval")
        for p in ("sbp", "dbp", "map")
        for end in ("lower", "upper")
    },
    "care_unit": ("", "the hospital's unit, as `micu`"),
    "sex": ("", "`F`, `M` or `X`"),
    "age_years": ("years", "at the record; 90 for anybody older where de-identified"),
    "race": ("", "in the site's own words"),
    "skin_tone": ("", "in the site's own words"),
    "conditions": ("", "modalities that it was made from"),
    "calibration": ("", "what a made pressure was calibrated by"),
    "reference_age_s": ("s", "age of that reading, negative where it came later"),
    "abstained": ("", "why the model said nothing"),
    "fingerprint": ("", "hash of name, size and ETag of every file that it rests on"),
}

_RECORDS: Final[dict[str, Meaning]] = {
    "path": ("", "of the header, below the source"),
    "etag": ("", "of the header, as the source listed it"),
    "size_bytes": ("bytes", "of all its files"),
    "status": ("", "`partial`: something of it is in quarantine"),
    "fs": ("Hz", "the source's frame rate"),
    "duration_s": ("s", "from first to last sample, gaps included"),
    "start_time": ("", "the header's clock at the start: naive, as recorded"),
    "n_segments": ("", "segments of a multi-segment record"),
    "n_windows": ("", "windows that are stored of it"),
    "signals": ("", "each signal's name, modality, rate (Hz), unit and gain (counts a unit)"),
    "names_check": ("", "tells the key of hashed names from others; null where names are kept"),
    "comments": ("", "of the header; null where de-identified"),
    "files": ("", "every file that its headers name, absent ones too"),
    "ingested_at": ("UTC", "when it was read"),
}

_SIGNALS: Final[dict[str, Meaning]] = {
    "start_time": ("", "the header's clock at the window's start: naive, as recorded"),
    "{m}": ("counts", "500 samples; `physical = sample * scale + zero`, and -32768 is missing"),
    "{m}_scale": ("{unit} a count", "step of the counts"),
    "{m}_zero": ("{unit}", "value of the count 0"),
    "{m}_unit": ("", "of the physical value; `NU` where its calibration is not known"),
    "{m}_lead": ("", "the signal's own name"),
    "{m}_missing": ("", "fraction of the window, 0 to 1"),
    "{m}_grade": ("", "fit to be truth, fit to condition on, neither, or not there"),
    "{m}_sqi": ("", "quality, 0 to 1"),
    "hr_{m}": ("beats/min", "heart rate by its beats"),
}

_NUMERICS: Final[dict[str, Meaning]] = {
    "name": ("", "the monitor's own name"),
    "start_s": ("s", "from the record's start to the value"),
    "quantity": ("", "ours, where the name is known, as `nbp_systolic`"),
    "value": ("`unit`", "null where the monitor wrote a zero that stands for nothing"),
    "unit": ("", "as the monitor writes it"),
}

_BACKFILL: Final[dict[str, Meaning]] = {
    "modality": ("", "which signal was made"),
    "task": ("", "made from others since it was absent; gaps closed; noise taken away"),
    "samples": ("counts", "the posterior mean, 500 samples, encoded as in `windows`"),
    "lower": ("counts", "lower bound of the 90 % band"),
    "upper": ("counts", "upper bound of the 90 % band"),
    "scale": ("`unit` a count", "step of the counts of all three"),
    "zero": ("`unit`", "value of the count 0"),
    "unit": ("", "`NU` for an ECG or PPG made from nothing"),
    "grade": ("", "of what was made, never `good`; `absent` where the model abstained"),
    "n_samples": ("", "samples that mean and band are taken over"),
    "sampler": ("", "how samples are drawn; `none` without"),
    "steps": ("", "of the sampler"),
    "seed": ("", "of the window, from its key and the run's"),
    "synthetic": ("", "always true"),
}

_ANNOTATIONS: Final[dict[str, Meaning]] = {
    "annotation": ("", "the filled template as JSON text; the columns to `note` are its slots"),
    "rhythm": ("", "what the beats show"),
    "heart_rate": ("beats/min", "null where unknown"),
    "{m}_quality": ("", "as the grades say it"),
    "{m}_artefact": ("", "what is wrong with it, the worst"),
    "pressure_band": ("", "low: SBP < 90 or MAP < 65 mmHg; high: SBP >= 140 or DBP >= 90 mmHg"),
    "pressure_source": ("", "where the pressure is known from"),
    "evidence_signal": ("", "where it shows best"),
    "evidence_from_s": ("s", "from the window's start"),
    "evidence_to_s": ("s", "from the window's start"),
    "note": ("", "one or two short phrases, or `unknown`"),
    **{
        f"{slot}_confidence": ("", "how sure, 0 to 1; 1 where it was given")
        for slot in (
            "rhythm",
            "heart_rate",
            "{m}_quality",
            "{m}_artefact",
            "pressure_band",
            "pressure_source",
            "evidence",
            "note",
        )
    },
    "steps": ("", "passes through a network; 0 of an annotator that has none"),
}

_AUDIT: Final[dict[str, Meaning]] = {
    "run_id": ("", "the run that audited"),
    "half": ("", "whether the subject corrects the site's intervals or judges them"),
    "hr": ("beats/min", "heart rate that the model was told"),
    **{f"true_{p}": ("mmHg", "what the hidden line said") for p in ("sbp", "dbp", "map")},
    **{f"reference_{p}": ("mmHg", "of the reading given") for p in ("sbp", "dbp", "map")},
    "audited_at": ("UTC", "when"),
}

_QUARANTINE: Final[dict[str, Meaning]] = {
    "path": ("", "below the source; of a shard `record_id#windows=first-last`"),
    "step": ("", "where it failed"),
    "record_id": ("", "the record that it belongs to; null where none does"),
    "error": ("", "the error's class"),
    "reason": ("", "why, in one sentence"),
    "fingerprint": ("", "of what it was; empty where it is tried again each night"),
    "code_version": ("", "by which it failed; another tries again"),
    "attempts": ("", "how often it was tried in that run"),
}

_RUNS: Final[dict[str, Meaning]] = {
    "run_id": ("", "the run: when it began, UTC, and eight hexadecimal digits"),
    "flow": ("", "`nightly`, `ingest`, `backfill`, …"),
    "dataset": ("", "null where it was of all"),
    "source": ("", "the archive that it read"),
    "outcome": ("", "how it ended"),
    "started_at": ("UTC", "when it began"),
    "seconds": ("s", "how long it took"),
    "config": ("", "JSON: its options; no secret is among them"),
    "versions": ("", "JSON: of pulselake and its libraries"),
    "summary": ("", "JSON: what `--json` prints"),
}

_BY_TABLE: Final[dict[str, dict[str, Meaning]]] = {
    "records": _RECORDS,
    "windows": _SIGNALS,
    "numerics": _NUMERICS,
    "backfill": _BACKFILL,
    "annotations": _ANNOTATIONS,
    "audit": _AUDIT,
    "quarantine": _QUARANTINE,
    "runs": _RUNS,
}


def _spread(told: dict[str, Meaning]) -> dict[str, Meaning]:
    """Write out what is said of each modality alike."""
    spread: dict[str, Meaning] = {}
    for column, (unit, words) in told.items():
        for m in MODALITIES if "{m}" in column else ():
            named = column.replace("{m}", m)
            spread[named] = unit.replace("{unit}", UNITS[m]), words.replace("{unit}", UNITS[m])
        if "{m}" not in column:
            spread[column] = unit, words
    return spread


MEANINGS: Final[dict[str, Meaning]] = _SHARED | {
    f"{table}.{column}": meaning
    for table, told in _BY_TABLE.items()
    for column, meaning in _spread(told).items()
}


def meaning_of(table: str, column: str) -> Meaning:
    """Give unit and words of a column.

    Raises:
        KeyError: where nobody has said what it means.
    """
    return MEANINGS.get(f"{table}.{column}") or MEANINGS[column]
