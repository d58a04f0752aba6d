"""What a lake holds, what ran last, and what would run next and why."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import polars as pl
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ValidationError, computed_field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.annotate_config import AnnotateConfig, annotation_of
from flows.annotate_plan import annotating
from flows.annotate_plan import plan_group as plan_annotations
from flows.audit_plan import audits, plan_audit
from flows.backfill_plan import Filling, filling, plan_group
from flows.config import AuditConfig, BackfillConfig, IngestConfig, LakeConfig
from flows.health import FlowHealth, flow_health
from flows.ingest import plan_ingest
from flows.ingest_commit import unread_rows
from flows.measured import write_metrics
from flows.metrics import LakeMetrics
from flows.record_groups import record_groups
from flows.show import say
from flows.upkeep import see_lake
from flows.upkeep_config import StatusConfig
from flows.watching import watching
from flows.withdrawn import WithdrawnModel, withdrawn_models
from ops.lake import Lake
from ops.lake.lost import telling_lost
from schemas.tables import TABLES

LAST_RUNS: Final = 5
_STEPS: Final = ("ingest", "backfill", "annotate", "audit")
_RUN_COLUMNS: Final = ("run_id", "flow", "dataset", "outcome", "seconds")

Config = TypeVar("Config", bound=LakeConfig)


class NextWork(BaseModel):
    """What the next night of a dataset would do, or report; ``reason`` says why.

    A null ``count`` says that it can't be told, and ``reason`` why not.
    """

    dataset: str
    step: str
    count: int | None
    reason: str


class LakeStatus(BaseModel):
    """Rows by table, the newest runs, what waits, what is in quarantine, and whom it refuses.

    ``flows`` tells of each flow and dataset how its newest run ended, and when a good one did last.
    ``as_of`` is null where the lake is as it is now; what waits is told of now alone, and where it
    is asked for.
    """

    lake: str
    as_of: str | None
    tables: dict[str, int]
    runs: list[dict[str, Any]]
    flows: list[FlowHealth]
    next: list[NextWork] | None
    quarantined: int
    withdrawn: list[WithdrawnModel]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def waiting(self) -> dict[str, dict[str, int]] | None:
        """What waits, counted by dataset and step; what can't be told is left out."""
        if self.next is None:
            return None
        waiting: dict[str, dict[str, int]] = {}
        for work in self.next:
            of_dataset = waiting.setdefault(work.dataset, {})
            if work.count and work.step in _STEPS:
                of_dataset[work.step] = of_dataset.get(work.step, 0) + work.count
        return waiting


def lake_status(config: StatusConfig) -> LakeStatus:
    """Look at a lake, or at one dataset of it, as it is or was; nothing is changed.

    What would run next is told by the options of each dataset's last good run with a source.

    Raises:
        ValueError: where there is no such lake or dataset, or none as of then.
    """
    see_lake(config)
    lake = Lake(config.lake, config.as_of)
    with telling_lost(lake.location):
        return _seen(lake, config)


def leave_metrics(status: LakeStatus) -> None:
    """Write what a monitor needs to the metrics file, where one is asked for.

    Raises:
        OSError: naming the file, where it can't be written.
    """
    if file := watching().metrics_file:
        registry = CollectorRegistry()
        registry.register(LakeMetrics(status))
        write_metrics(registry, file)


def show_status(status: LakeStatus, console: Console) -> None:
    """Print a lake's status."""
    say(console, status.lake, style="bold")
    if status.as_of:
        say(console, f"as it was at {status.as_of}")
    tables = Table("table", "rows")
    for name, rows in status.tables.items():
        tables.add_row(name, str(rows))
    console.print(tables)
    runs = Table(*_RUN_COLUMNS, title="Last runs, by when they began (UTC)", title_justify="left")
    for run in status.runs:
        runs.add_row(*(Text(str(run[column])) for column in _RUN_COLUMNS))
    console.print(runs)
    for model in status.withdrawn:
        since = f"{model.since:%Y-%m-%d %H:%M:%S} UTC"
        say(console, f"withdrawn: {model.model_id}, since {since}, by run {model.run_id}")
    for work in status.next or []:
        count = "" if work.count is None else f" {work.count}"
        say(console, f"{work.dataset}: {work.step}{count}: {work.reason}")


def _seen(lake: Lake, config: StatusConfig) -> LakeStatus:
    tables = {name: _rows(lake, name, config.dataset) for name in TABLES}
    runs = lake.scan("runs", config.dataset).sort("started_at", descending=True).collect()
    latest = runs.filter(pl.col("source").is_not_null(), pl.col("outcome") == "done")
    plans = config.plan and not lake.moment
    told = latest.unique("dataset", keep="first", maintain_order=True)["config"]
    return LakeStatus(
        lake=lake.url,
        as_of=lake.moment.isoformat() if lake.moment else None,
        tables=tables,
        runs=[_shown(run) for run in runs.head(LAST_RUNS).iter_rows(named=True)],
        flows=flow_health(runs, lake.moment or datetime.now(UTC)),
        next=[work for t in told for work in _next(lake, json.loads(t))] if plans else None,
        quarantined=tables["quarantine"],
        withdrawn=withdrawn_models(lake),
    )


def _rows(lake: Lake, table: str, dataset: str) -> int:
    return int(lake.scan(table, dataset).select(pl.len()).collect().item())


def _shown(run: dict[str, Any]) -> dict[str, Any]:
    kept = {name: run[name] for name in ("run_id", "flow", "dataset", "outcome", "seconds")}
    return {**kept, "started_at": run["started_at"].isoformat(timespec="seconds")}


def _next(lake: Lake, told: dict[str, Any]) -> list[NextWork]:
    """Plan as the last good run was told to, and count."""
    dataset = told["dataset"]
    works = [
        *_or_why(dataset, "ingest", lambda: _ingest(dataset, _only(IngestConfig, told))),
        *_or_why(dataset, "backfill", lambda: _fill(lake, dataset, _only(AuditConfig, told))),
    ]
    if told.get("annotate"):
        works += _or_why(dataset, "annotate", lambda: _annotate(lake, dataset, annotation_of(told)))
    if not works:
        why = "everything is as it was read and filled"
        works = [NextWork(dataset=dataset, step="nothing", count=0, reason=why)]
    return works


def _or_why(dataset: str, step: str, plan: Callable[[], Iterator[NextWork]]) -> list[NextWork]:
    """Plan a step, or say why it can't be planned."""
    try:
        return [*plan()]
    except (OSError, ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        return [NextWork(dataset=dataset, step=step, count=None, reason=reason)]


def _ingest(dataset: str, config: IngestConfig) -> Iterator[NextWork]:
    plan = plan_ingest.fn(config)
    for why, count in Counter(planned.reason for planned in plan.to_read).items():
        yield NextWork(dataset=dataset, step="ingest", count=count, reason=f"{why} records")
    known = _quarantined(Lake(config.lake), dataset)
    for reason in unread_rows(config, plan, run_id="")["reason"]:
        if reason not in known:
            yield NextWork(dataset=dataset, step="quarantine", count=1, reason=reason)
    if plan.vanished:
        why = f"records are no longer in the source, rows kept: {', '.join(plan.vanished[:5])}"
        yield NextWork(dataset=dataset, step="report", count=len(plan.vanished), reason=why)


def _quarantined(lake: Lake, dataset: str) -> set[str]:
    return set(lake.scan("quarantine", dataset).select("reason").collect()["reason"])


def _fill(lake: Lake, dataset: str, config: AuditConfig) -> Iterator[NextWork]:
    by = filling(lake, config)
    yield from _backfill(lake, dataset, config, by)
    if audits(config):
        yield from _audit(lake, dataset, config, by)


def _backfill(lake: Lake, dataset: str, config: BackfillConfig, by: Filling) -> Iterator[NextWork]:
    waiting: Counter[tuple[str, str]] = Counter()
    gone = 0
    for group in record_groups(lake, dataset):
        plan = plan_group(lake, config, group, by)
        gone += plan.stale.height
        for shard in plan.shards:
            waiting.update(shard.wants.select("task", "modality").rows())
    for (task, modality), count in sorted(waiting.items()):
        why = f"windows to {task} {modality}, by {config.restorer}"
        yield NextWork(dataset=dataset, step="backfill", count=count, reason=why)
    if gone:
        why = "synthetic rows whose window has changed, to take out"
        yield NextWork(dataset=dataset, step="backfill", count=gone, reason=why)


def _annotate(lake: Lake, dataset: str, config: AnnotateConfig) -> Iterator[NextWork]:
    by = annotating(lake, config)
    count = gone = 0
    for group in record_groups(lake, dataset):
        plan = plan_annotations(lake, group, by)
        count += sum(shard.n_windows for shard in plan.shards)
        gone += plan.stale.height
    if count:
        why = f"windows to say something of, by {by.model_id}"
        yield NextWork(dataset=dataset, step="annotate", count=count, reason=why)
    if gone:
        why = "annotations whose window, or its pressure, has changed, to take out"
        yield NextWork(dataset=dataset, step="annotate", count=gone, reason=why)


def _audit(lake: Lake, dataset: str, config: AuditConfig, by: Filling) -> Iterator[NextWork]:
    count = sum(shard.n_windows for shard in plan_audit(lake, config, by).shards)
    if count:
        why = f"windows with a good arterial line to hide and fill, by {config.restorer}"
        yield NextWork(dataset=dataset, step="audit", count=count, reason=why)


def _only(model: type[Config], told: dict[str, Any]) -> Config:
    """Make a config of those options that are its own; others keep their defaults."""
    return model(**{name: told[name] for name in model.model_fields if name in told})
