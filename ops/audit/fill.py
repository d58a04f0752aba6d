"""Audited windows: the line is hidden from the model, and what it says is put beside the line."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from ops.audit.halves import half_of
from ops.fill.answer import Answer, Seen, Terms, answers
from ops.fill.plan import FillShard, spans_of, spec_sha256
from ops.fill.rows import pressure_columns
from ops.fill.silence import condition_rate
from schemas.audit import Audit
from schemas.demographics import PATIENT
from schemas.restoration import PRESSURES, Restorer
from schemas.windows import Window

_SIGNAL: Final = ("", "_scale", "_zero", "_unit", "_lead")


@dataclass(frozen=True, eq=False)
class AuditShard(FillShard):
    """Some audited windows of one record; ``about`` is what the site tells of its patient."""

    about: dict[str, str | float | None] = field(default_factory=dict)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Its windows lie far apart, and a model looks no further than beside them."""
        return spans_of(self.wants["window_index"], beside=1)

    @property
    def path(self) -> str:
        """Its name in ``quarantine``."""
        return f"{self.record_id}#audit={self.first}-{self.last}"


def audit_rows(shard: AuditShard, seen: Seen, restorer: Restorer, terms: Terms) -> pl.DataFrame:
    """Fill windows as if they had no line; give their rows by the ``Audit`` schema.

    A window that is gone, or has changed since the shard was cut, has none.
    """
    hidden = replace(seen, windows=without_line(seen.windows))
    truth = seen.windows.select("window_index", *(pl.col(p).alias(f"true_{p}") for p in PRESSURES))
    parts = [
        _rows(shard, inputs, answer, restorer, terms)
        for inputs, answer in answers(shard, hidden, restorer, terms)
    ]
    told = pl.concat(parts).join(truth, on="window_index") if parts else None
    return Audit.create_empty() if told is None else Audit.cast(told.select(Audit.column_names()))


def without_line(windows: pl.DataFrame) -> pl.DataFrame:
    """Give windows as they would be without an arterial line."""
    types = Window.create_empty().schema
    gone = [f"abp{part}" for part in _SIGNAL] + ["hr_abp", *PRESSURES]
    return windows.with_columns(
        *(pl.lit(None, types[name]).alias(name) for name in gone),
        abp_grade=pl.lit("absent"),
        abp_missing=pl.lit(1.0, pl.Float32),
        abp_sqi=pl.lit(0.0, pl.Float32),
    )


def _rows(
    shard: AuditShard, inputs: pl.DataFrame, answer: Answer, restorer: Restorer, terms: Terms
) -> pl.DataFrame:
    told = pl.DataFrame(list(pressure_columns(answer.restored)))
    whole = told.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    why = pl.Series(answer.why, dtype=pl.String)
    about = [
        pl.lit(shard.about.get(name), Audit.columns()[name].dtype).alias(name) for name in PATIENT
    ]
    return inputs.select(
        pl.lit(shard.dataset).alias("dataset"),
        pl.lit(shard.record_id).alias("record_id"),
        "window_index",
        pl.lit(restorer.model_id).alias("model_id"),
        pl.lit(terms.run_id).alias("run_id"),
        pl.lit(shard.subject_id).alias("subject_id"),
        "start_s",
        pl.lit(half_of(shard.dataset, shard.subject_id)).alias("half"),
        *about,
        "conditions",
        "calibration",
        *(f"reference_{name}" for name in ("age_s", *PRESSURES)),
        condition_rate().alias("hr"),
        pl.select(pl.when(whole).then(None).otherwise(why.fill_null("silent")))
        .to_series()
        .alias("abstained"),
        *told.select(pl.when(whole).then(pl.all())).get_columns(),
        pl.lit(restorer.model_sha256).alias("model_sha256"),
        "input_sha256",
        "reference_sha256",
        pl.lit(spec_sha256(restorer, terms.seed, terms.most_age_s)).alias("spec_sha256"),
        pl.lit(datetime.now(UTC)).alias("audited_at"),
    )
