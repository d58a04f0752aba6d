"""What a lake holds, what ran last, and what would run next and why."""

import json
from typing import Any, Final, TypeVar

import polars as pl
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from flows.backfill import planned_shards, stale
from flows.config import BackfillConfig, IngestConfig, LakeConfig
from flows.ingest import plan_ingest
from ops.lake import Lake
from schemas.tables import TABLES

LAST_RUNS: Final = 5

Config = TypeVar("Config", bound=LakeConfig)


class NextWork(BaseModel):
    """What the next night of a dataset would do; ``reason`` says why, or why it can't be told."""

    dataset: str
    step: str
    count: int | None
    reason: str


class LakeStatus(BaseModel):
    """Rows by table, the newest runs, what waits, and what is in quarantine."""

    lake: str
    tables: dict[str, int]
    runs: list[dict[str, Any]]
    next: list[NextWork]
    quarantined: int


def lake_status(config: LakeConfig) -> LakeStatus:
    """Look at a lake; what would run next is told from each dataset's last source."""
    lake = Lake(config.lake)
    tables = {name: _rows(lake, name) for name in TABLES}
    runs = lake.scan("runs").sort("started_at", descending=True).collect()
    latest = runs.filter(pl.col("source").is_not_null()).unique(
        "dataset", keep="first", maintain_order=True
    )
    if config.dataset:
        latest = latest.filter(pl.col("dataset") == config.dataset)
    return LakeStatus(
        lake=lake.url,
        tables=tables,
        runs=[_shown(run) for run in runs.head(LAST_RUNS).iter_rows(named=True)],
        next=[work for text in latest["config"] for work in _next(lake, json.loads(text))],
        quarantined=tables["quarantine"],
    )


def show_status(status: LakeStatus, console: Console) -> None:
    """Print a lake's status."""
    console.print(f"[bold]{status.lake}[/]", highlight=False)
    tables = Table("table", "rows")
    for name, rows in status.tables.items():
        tables.add_row(name, str(rows))
    console.print(tables)
    runs = Table("started (UTC)", "flow", "dataset", "outcome", "seconds", title="Last runs")
    for run in status.runs:
        runs.add_row(
            *(str(run[c]) for c in ("started_at", "flow", "dataset", "outcome", "seconds"))
        )
    console.print(runs)
    for work in status.next:
        count = "?" if work.count is None else work.count
        console.print(f"{work.dataset}: {work.step} {count}: {work.reason}", highlight=False)


def _rows(lake: Lake, table: str) -> int:
    return int(lake.scan(table).select(pl.len()).collect().item())


def _shown(run: dict[str, Any]) -> dict[str, Any]:
    kept = {name: run[name] for name in ("run_id", "flow", "dataset", "outcome", "seconds")}
    return {**kept, "started_at": run["started_at"].isoformat(timespec="seconds")}


def _next(lake: Lake, told: dict[str, Any]) -> list[NextWork]:
    """Plan as the last run was told to, and count."""
    dataset = told["dataset"]
    ingest = _only(IngestConfig, told)
    try:
        plan = plan_ingest.fn(ingest)
    except OSError as error:
        return [NextWork(dataset=dataset, step="ingest", count=None, reason=str(error))]
    reasons = [planned.reason for planned in plan.to_read]
    works = [
        NextWork(dataset=dataset, step="ingest", count=reasons.count(why), reason=f"{why} records")
        for why in dict.fromkeys(reasons)
    ]
    fill = _only(BackfillConfig, told)
    waiting = planned_shards(lake, fill)
    wants = pl.concat([shard.wants for shard in waiting]) if waiting else pl.DataFrame()
    for (task, modality), rows in wants.group_by("task", "modality") if waiting else ():
        why = f"windows to {task} {modality}, by {fill.restorer}"
        works.append(NextWork(dataset=dataset, step="backfill", count=rows.height, reason=why))
    gone = stale(lake, dataset).height
    if gone:
        why = "synthetic rows whose window has changed, to take out"
        works.append(NextWork(dataset=dataset, step="backfill", count=gone, reason=why))
    if not works:
        why = f"all {len(plan.unchanged)} records are as they were read, nothing waits"
        works.append(NextWork(dataset=dataset, step="nothing", count=0, reason=why))
    return works


def _only(model: type[Config], told: dict[str, Any]) -> Config:
    """Make a config of those options that are its own; others keep their defaults."""
    return model(**{name: told[name] for name in model.model_fields if name in told})
