"""Audited rows that still tell of the lake as it is."""

from typing import Final

import polars as pl

from ops.audit.halves import with_halves
from ops.lake import Lake
from schemas.audit import Audit
from schemas.demographics import PATIENT

WINDOW: Final = ["dataset", "record_id", "window_index"]


def current_audit(lake: Lake, dataset: str = "") -> pl.DataFrame:
    """Read the audit: of each window, model and spec the newest row, while the window is as it was.

    A window that was read again since, and looks otherwise now, tells of a signal that is no more.
    Whose it is, and what the site tells of the patient, are as the lake has them now.
    """
    audited = lake.scan("audit", dataset).drop("subject_id", *PATIENT)
    windows = lake.scan("windows", dataset).select(*WINDOW, "input_sha256", "subject_id")
    about = lake.scan("demographics", dataset).select(*WINDOW[:2], *PATIENT)
    joined = audited.join(windows, on=[*WINDOW, "input_sha256"]).join(
        about, on=WINDOW[:2], how="left"
    )
    rows = with_halves(joined.collect()).select(Audit.column_names())
    order = rows.sort(*WINDOW, "model_id", "audited_at", "run_id")
    return order.unique([*WINDOW, "model_id", "spec_sha256"], keep="last", maintain_order=True)
