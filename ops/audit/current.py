"""Audited rows that still tell of the lake as it is."""

from typing import Final

import polars as pl

from ops.lake import Lake

_WINDOW: Final = ["dataset", "record_id", "window_index"]


def current_audit(lake: Lake, dataset: str = "") -> pl.DataFrame:
    """Read the audit: of each window, model and spec the newest row, while the window is as it was.

    A window that was read again since, and looks otherwise now, tells of a signal that is no more.
    """
    audited = lake.scan("audit", dataset)
    windows = lake.scan("windows", dataset).select(*_WINDOW, "input_sha256")
    rows = audited.join(windows, on=[*_WINDOW, "input_sha256"], how="semi").collect()
    order = rows.sort(*_WINDOW, "model_id", "audited_at", "run_id")
    return order.unique([*_WINDOW, "model_id", "spec_sha256"], keep="last", maintain_order=True)
