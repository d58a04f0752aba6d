"""What an export holds, in figures."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import polars as pl

from ops.cohort.scalars import CLOCKED
from schemas.grid import WINDOW_S
from schemas.restoration import ABSTENTIONS, CALIBRATIONS

_TOLD: Final = pl.col("sbp").is_not_null()
_KINDS: Final = (*CALIBRATIONS, "restored")


@dataclass(frozen=True)
class Figures:
    """Counts of one source.

    Attributes:
        subjects: those with a pressure.
        records: likewise.
        windows: windows with a pressure.
        hours: their time in h.
        without_clock: windows that have no clock, and so are in neither OMOP nor MEDS.
        abstained: windows without a pressure, by reason.
        without_pressure: windows without a pressure, and without a reason.
        calibrations: windows with a synthetic pressure, by what it was calibrated by.
        corrections: the same windows, by whose correction their interval has.
        correction_subjects: the least number of subjects that a site's correction rests on.
        oldest_reference_s: greatest age of a reading.
        models: those that made a pressure or abstained.
        subjects_taken: those with a window, with or without a pressure.
    """

    subjects: int = 0
    records: int = 0
    windows: int = 0
    hours: float = 0.0
    without_clock: int = 0
    abstained: dict[str, int] = field(default_factory=dict)
    without_pressure: int = 0
    calibrations: dict[str, int] = field(default_factory=dict)
    corrections: dict[str, int] = field(default_factory=dict)
    correction_subjects: int | None = None
    oldest_reference_s: float | None = None
    models: list[str] = field(default_factory=list)
    subjects_taken: int = 0

    def told(self) -> dict[str, Any]:
        """Give it as JSON does."""
        return asdict(self)


def figures(rows: pl.LazyFrame) -> dict[str, Figures]:
    """Count the rows of a series, by source."""
    made = _TOLD & (pl.col("source") == "synthetic")
    kind = pl.col("calibration").fill_null("restored")
    site = pl.col("correction") == "site"
    subject = pl.struct("dataset", "subject_id")
    counts = rows.group_by("source").agg(
        subject.filter(_TOLD).n_unique().alias("subjects"),
        pl.struct("dataset", "record_id").filter(_TOLD).n_unique().alias("records"),
        subject.n_unique().alias("subjects_taken"),
        _TOLD.sum().alias("windows"),
        (~CLOCKED).sum().alias("without_clock"),
        *((pl.col("abstained") == why).sum().alias(f"abstained {why}") for why in ABSTENTIONS),
        (~_TOLD & pl.col("abstained").is_null()).sum().alias("without_pressure"),
        *((made & (kind == name)).sum().alias(f"calibrations {name}") for name in _KINDS),
        *(
            (made & (pl.col("correction") == name)).sum().alias(f"corrections {name}")
            for name in ("site", "shipped")
        ),
        pl.col("correction_subjects").filter(site).min(),
        pl.col("reference_age_s").filter(_TOLD).abs().max().alias("oldest_reference_s"),
        pl.col("model_id").drop_nulls().unique().sort().alias("models"),
    )
    return {
        row["source"]: _figures(row)
        for row in counts.sort("source").collect().iter_rows(named=True)
    }


def _figures(row: dict[str, Any]) -> Figures:
    grouped: dict[str, Any] = {"abstained": {}, "calibrations": {}, "corrections": {}}
    plain: dict[str, Any] = {}
    for name, value in row.items():
        group, _, of = name.partition(" ")
        if not of:
            plain[name] = value
        elif value:
            grouped[group][of] = value
    del plain["source"]
    return Figures(**plain, **grouped, hours=row["windows"] * WINDOW_S / 3600)
