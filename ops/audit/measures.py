"""What an audit comes to, in the measures that the standards ask of a pressure.

``every``: as shipped, over all audited subjects. ``judges`` and ``judges_site``: over the judging
half alone, as shipped and by the site's correction, which those subjects had no say in.
"""

from typing import Any, Final

import polars as pl

from ops.audit.baselines import comparison
from ops.audit.bland_altman import bland_altman
from ops.audit.hypotension import LOW_MMHG, hypotension
from ops.audit.site import corrected, site_corrections
from ops.audit.told import told_of
from ops.judge.pressure_measures import interval_measures, pressure_measures
from schemas.restoration import CALIBRATIONS, PRESSURES

MODEL: Final = ["dataset", "model_id", "spec_sha256"]


def audit_measures(audited: pl.DataFrame) -> list[dict[str, Any]]:
    """Measure every model of audited rows, each of its windows there once, as JSON has it."""
    return [
        {**dict(zip(MODEL, key, strict=True)), **measures_of_model(rows)}
        for key, rows in audited.sort(MODEL).group_by(MODEL, maintain_order=True)
    ]


def measures_of_model(audited: pl.DataFrame) -> dict[str, Any]:
    """Measure one model in one dataset, by calibration and over ``all`` of them."""
    corrections = site_corrections(audited)
    judges = audited.filter(pl.col("half") == "judges")
    views = {
        "every": audited,
        "judges": judges,
        "judges_site": corrected(judges.lazy(), corrections).collect(),
    }
    return {
        "windows": audited.height,
        "subjects": audited["subject_id"].n_unique(),
        "corrections": corrections.drop("dataset", "spec_sha256").to_dicts(),
        "calibrations": {
            name: {view: figures(_calibrated(rows, name)) for view, rows in views.items()}
            for name in ("all", *CALIBRATIONS)
            if not _calibrated(audited, name).is_empty()
        },
        "comparison": comparison(audited).to_dicts(),
    }


def _calibrated(rows: pl.DataFrame, calibration: str) -> pl.DataFrame:
    return rows if calibration == "all" else rows.filter(pl.col("calibration") == calibration)


def figures(audited: pl.DataFrame) -> dict[str, Any]:
    """Measure audited windows as they are told; errors are told less true, in mmHg."""
    told = audited.filter(pl.col("abstained").is_null())
    return {
        "windows": audited.height,
        "subjects": audited["subject_id"].n_unique(),
        "abstained": abstentions(audited),
        "pressures": {p: pressure_figures(told, p) for p in PRESSURES},
        "hypotension": {**hypotension(told), "windows_below_abstained": _unheard(audited)},
    }


def _unheard(audited: pl.DataFrame) -> int:
    """Count the windows that are low and that nothing is said of."""
    silent = pl.col("abstained").is_not_null()
    return audited.filter(silent, pl.col("true_map") < LOW_MMHG).height


def abstentions(audited: pl.DataFrame) -> dict[str, int]:
    """Count the windows of each reason to say nothing."""
    counted = audited["abstained"].drop_nulls().value_counts().sort("abstained")
    return dict(counted.iter_rows())


def pressure_figures(told: pl.DataFrame, pressure: str) -> dict[str, Any]:
    """Measure one pressure of windows that tell it: its errors, their limits, its intervals."""
    of = told_of(told, pressure)
    return {
        **pressure_measures(of.value, of.true, of.subjects),
        "bland_altman": bland_altman(of.value, of.true, of.subjects),
        **interval_measures(of.lower, of.upper, of.true, of.subjects),
    }
