"""What the audit says of each model: figures, plots, and what would do without the model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from ops.audit.measures import audit_measures
from ops.report.agreement import bland_altman_plot, drawn_of
from ops.report.coverage import coverage_plot
from ops.report.words import NONE, ranged
from schemas.restoration import PRESSURES

MOST_MODELS: Final = 4
_SPEC: Final = ["dataset", "model_id"]


@dataclass(frozen=True)
class AuditedModel:
    """One model in one dataset; ``measures`` are those of ``ops.audit.measures``."""

    measures: dict[str, Any]
    drawn: str
    agreement: list[Markup]
    coverage: list[Markup]

    @property
    def calibrations(self) -> dict[str, Any]:
        """Give the measures by calibration; where there is one alone, ``all`` would repeat it."""
        return apart(self.measures["calibrations"])

    @property
    def judged(self) -> bool:
        """Say whether any subject is there to judge."""
        return bool(self.measures["calibrations"]["all"]["judges"]["windows"])

    def headline(self, pressure: str = "map") -> str:
        """Say the error of one pressure over subjects, with its interval."""
        mae = self.measures["calibrations"]["all"]["every"]["pressures"][pressure]["mae"]
        return ranged(mae["mean"], mae["low"], mae["high"]) if mae else NONE


def audited_models(audited: pl.DataFrame) -> list[AuditedModel]:
    """Measure and draw the models of audited rows, each by its newest spec; four at most."""
    newest = audited.filter(
        pl.col("spec_sha256")
        == pl.col("spec_sha256").sort_by("audited_at", "spec_sha256").last().over(_SPEC)
    )
    parts = newest.partition_by(_SPEC, as_dict=True)
    largest = sorted(parts, key=lambda key: (-parts[key].height, key))[:MOST_MODELS]
    return [_audited(parts[key], i) for i, key in enumerate(largest)]


def apart(calibrations: dict[str, Any]) -> dict[str, Any]:
    """Leave out ``all`` where it is one calibration under another name."""
    return {c: of for c, of in calibrations.items() if c != "all" or len(calibrations) > 2}


def _audited(rows: pl.DataFrame, i: int) -> AuditedModel:
    measures = audit_measures(rows)[0]
    of_all = measures["calibrations"]["all"]["every"]["pressures"]
    return AuditedModel(
        measures,
        drawn_of(rows),
        [
            bland_altman_plot(rows, p, of_all[p]["bland_altman"], f"agreement-{i}-{p}")
            for p in PRESSURES
            if rows["abstained"].null_count()
        ],
        [coverage_plot(apart(measures["calibrations"]), p, f"coverage-{i}-{p}") for p in PRESSURES],
    )


def figure_rows(model: AuditedModel) -> Iterator[dict[str, Any]]:
    """Give a row of figures for each calibration and pressure."""
    for calibration, views in model.calibrations.items():
        for p in PRESSURES:
            shipped, site = (views[v]["pressures"][p] for v in ("judges", "judges_site"))
            yield {
                "calibration": calibration,
                "pressure": p,
                **views["every"]["pressures"][p],
                "shipped": shipped["coverage"],
                "site": site["coverage"],
                "width_shipped": shipped["width"]["mean"],
                "width_site": site["width"]["mean"],
            }
