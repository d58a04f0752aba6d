"""The pressures of a lake, window by window: measured, or synthetic with their intervals."""

from collections.abc import Callable
from typing import Final, Literal, get_args

import polars as pl

from ops.audit.current import WINDOW, current_audit
from ops.audit.site import corrected, site_corrections
from ops.lake import Lake
from schemas.demographics import PATIENT
from schemas.restoration import PRESSURES

SourceKind = Literal["measured", "synthetic"]
SOURCES: Final[tuple[SourceKind, ...]] = get_args(SourceKind)

ENDS: Final = ("", "_lower", "_upper")
TOLD: Final = [f"{pressure}{end}" for pressure in PRESSURES for end in ENDS]
"""Columns of the pressures and their bounds, in mmHg."""

SERIES: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "record_id": pl.String(),
        "subject_id": pl.String(),
        "window_index": pl.Int32(),
        "start_s": pl.Float64(),
        "start_time": pl.Datetime("us"),
        **{c: pl.Float32() if c == "age_years" else pl.String() for c in PATIENT},
        **dict.fromkeys(TOLD, pl.Float32()),
        "source": pl.String(),
        "calibration": pl.String(),
        "reference_age_s": pl.Float64(),
        "correction": pl.String(),
        "correction_subjects": pl.Int32(),
        "model_id": pl.String(),
        "abstained": pl.String(),
    }
)
"""Columns of every frame of pressures.

``source`` is ``measured`` or ``synthetic``; a measured pressure has no interval, so that its bounds
are null, as is all that follows. ``calibration`` is null too where a line that was there has been
restored. ``correction`` is ``site`` where the site's own audit has moved the interval and
``shipped`` where not, ``correction_subjects`` how many subjects that rests on.
"""


class MixedError(ValueError):
    """Measured and synthetic pressures were to share a column, and nobody has asked for that."""


def measured(lake: Lake, dataset: str = "") -> pl.LazyFrame:
    """Scan the pressures that an arterial line has measured; columns of ``SERIES``."""
    rows = lake.scan("windows", dataset).filter(pl.col("sbp").is_not_null())
    return _of_patients(lake, rows.with_columns(source=pl.lit("measured")))


def synthetic(
    lake: Lake, dataset: str = "", model_id: str = "", audit: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """Scan the pressures that were made where none was measured; columns of ``SERIES``.

    Of several answers to a window the newest counts, or that of ``model_id`` where it is named. An
    answer to a window that has changed since is none. Where the model abstained, pressures are null
    and ``abstained`` says why. The audit is read at once where ``audit`` does not give its windows,
    the rest when the frame is collected.
    """
    made = lake.scan("backfill", dataset).filter(pl.col("modality") == "abp")
    if model_id:
        made = made.filter(pl.col("model_id") == model_id)
    unmeasured = lake.scan("windows", dataset).filter(pl.col("sbp").is_null())
    there = unmeasured.select(*WINDOW, "input_sha256", "start_time")
    # Before calibrations were kept, what was made from other signals went by no reading.
    kept = pl.col("calibration")
    by = pl.when(pl.col("task") == "translate").then(kept.fill_null("none")).otherwise(kept)
    answers = newest(made.with_columns(by).join(there, on=[*WINDOW, "input_sha256"]))
    known = current_audit(lake, dataset) if audit is None else audit
    rows = corrected(answers.select(_ANSWER), site_corrections(known))
    return _of_patients(lake, rows.with_columns(source=pl.lit("synthetic")))


def pressures(
    lake: Lake,
    *sources: SourceKind,
    dataset: str = "",
    model_id: str = "",
    audit: pl.DataFrame | None = None,
    mix: bool = False,
) -> pl.LazyFrame:
    """Scan the pressures of one source; of several only where ``mix`` asks for it.

    No source is both. ``model_id`` and ``audit`` are those of ``synthetic``.

    Raises:
        MixedError: where several sources were to share a column unasked.
        ValueError: where a source is neither measured nor synthetic.
    """
    for source in sources:
        if source not in SOURCES:
            message = f"a source of pressures is {' or '.join(SOURCES)}, got {source!r}"
            raise ValueError(message)
    wanted = sorted(set(sources or SOURCES))
    if len(wanted) > 1 and not mix:
        message = (
            "measured and synthetic pressures don't share a column unless that is asked for: name "
            "one of them, or mix them, and the column source tells them apart"
        )
        raise MixedError(message)
    scans: dict[SourceKind, Callable[[], pl.LazyFrame]] = {
        "measured": lambda: measured(lake, dataset),
        "synthetic": lambda: synthetic(lake, dataset, model_id, audit),
    }
    return pl.concat([scans[source]() for source in wanted])


_ANSWER: Final = [
    *(c for c in SERIES if c not in (*PATIENT, "source", "correction", "correction_subjects")),
    "spec_sha256",
]


def newest(made: pl.LazyFrame) -> pl.LazyFrame:
    """Keep one answer of each window, that which was made last."""
    ordered = made.sort("created_at", "model_id", descending=True, maintain_order=True)
    return ordered.unique(WINDOW, keep="first", maintain_order=True)


def _of_patients(lake: Lake, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add what the site tells of patients, and give the columns of ``SERIES``, no more."""
    patients = lake.scan("demographics").select("dataset", "record_id", *PATIENT)
    told = rows.join(patients, on=["dataset", "record_id"], how="left")
    there = told.collect_schema()
    return told.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SERIES.items()
    )
