"""Write the page of the last night. The lake is only read: no row of ``runs``."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field
from rich.console import Console

from flows.report_config import ReportConfig
from flows.show import say
from flows.summary import Summary
from flows.upkeep import datasets_of, lake_there
from flows.withdrawn import withdrawn_models
from ops.audit.current import current_audit
from ops.lake import Lake
from ops.report.annotated import annotated
from ops.report.audited import audited_models
from ops.report.grades import grades_by_place
from ops.report.page import Page, render_page
from ops.report.pressures import abstentions, made_by_kind, pressure_rows
from ops.report.quarantine import quarantine_classes, quarantine_listed
from ops.report.runs import last_runs
from ops.report.sample import WINDOW, read_keys, sample_strips
from ops.report.strips import Strip, draw_strip


class ReportSummary(Summary):
    """What was written: ``runs`` are the ids of those told of, ``strips`` how many are drawn.

    ``run_id`` is empty, as nothing is written to the lake.
    """

    run_id: str = ""
    flow: str = "report"
    out: str
    size_bytes: int = 0
    runs: list[str] = Field(default_factory=list)
    strips: int = 0


def report(config: ReportConfig) -> ReportSummary:
    """Write the page to ``out``, whole or not at all.

    Raises:
        OSError: where the page can't be written.
        ValueError: where there is no such lake or dataset.
    """
    lake_there(config)
    lake = Lake(config.lake, config.as_of)
    clock = time.perf_counter()
    summary = ReportSummary(lake=lake.url, dataset=config.dataset, out=config.out)
    page = page_of(lake, config.dataset)
    text = render_page(page)
    _write_whole(Path(config.out), text)
    summary.size_bytes = len(text.encode())
    summary.runs = [run.run_id for run in page.runs]
    summary.strips = len(page.strips)
    summary.seconds = round(time.perf_counter() - clock, 3)
    summary.see_memory()
    return summary


def page_of(lake: Lake, dataset: str = "") -> Page:
    """Collect what a page tells; of signals only those of the sample are read.

    Raises:
        ValueError: where the dataset is not in the lake.
    """
    datasets_of(lake, dataset)
    windows, backfill, annotations = (
        lake.scan(name, dataset) for name in ("windows", "backfill", "annotations")
    )
    quarantine = lake.scan("quarantine", dataset)
    return Page(
        lake=lake.url,
        dataset=dataset,
        as_of=lake.moment.isoformat(sep=" ") if lake.moment else None,
        runs=last_runs(lake.scan("runs", dataset)),
        graded=grades_by_place(windows, lake.scan("demographics", dataset)),
        strips=_strips(windows, backfill, annotations),
        made=made_by_kind(backfill).to_dicts(),
        pressures=pressure_rows(windows, backfill),
        abstentions=abstentions(backfill).to_dicts(),
        annotated=annotated(annotations),
        audited=audited_models(current_audit(lake, dataset)),
        quarantined=int(quarantine.select(pl.len()).collect().item()),
        classes=quarantine_classes(quarantine),
        listed=quarantine_listed(quarantine),
        withdrawn=[model.model_dump() for model in withdrawn_models(lake)],
    )


def show_report(summary: ReportSummary, console: Console) -> None:
    """Say where the page is."""
    say(console, f"the report is {summary.out}, {summary.size_bytes / 2**10:.0f} KiB")
    if not summary.runs:
        say(console, "The lake has no run of a night yet.")


def _strips(
    windows: pl.LazyFrame, backfill: pl.LazyFrame, annotations: pl.LazyFrame
) -> list[Strip]:
    keys = sample_strips(backfill)
    if keys.is_empty():
        return []
    made = _by(keys.columns, read_keys(backfill, keys))
    beside = _by(WINDOW, read_keys(windows, keys.select(WINDOW)))
    told = _by(WINDOW, read_keys(annotations, keys.select(WINDOW)))
    return [
        draw_strip(made[key], beside.get(window), f"strip-{i}", told.get(window))
        for i, (key, window) in enumerate((k, k[: len(WINDOW)]) for k in keys.rows())
    ]


def _by(key: list[str], rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[name] for name in key): row for row in rows}


def _write_whole(out: Path, text: str) -> None:
    """Write beside the file, then rename: nobody ever reads half a page."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).chmod(0o644)
        Path(beside).replace(out)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
