"""What the last night did, by its rows of ``runs``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

FLOWS: Final = ("nightly", "ingest", "backfill", "annotate", "audit")

_PLACES: Final = ("source", "subjects", "scratch", "report")
"""Options that lead to where names are: a page goes further than its lake."""


@dataclass(frozen=True)
class NightRun:
    """One run; ``summary`` and ``config`` are as it told them, ``versions`` by library.

    Of a de-identified night the source, and other options that are places, are left out.
    """

    run_id: str
    flow: str
    dataset: str
    source: str
    outcome: str
    started_at: datetime
    seconds: float
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def timings(self) -> list[tuple[str, float]]:
        """Seconds by step, the longest first."""
        told = self.summary.get("timings", {})
        return sorted(told.items(), key=lambda step: (-step[1], step[0]))

    @property
    def backfilled(self) -> int:
        """Signals that were made."""
        told = self.summary.get("backfilled", {})
        return sum(n for modalities in told.values() for n in modalities.values())

    @property
    def annotated(self) -> int:
        """Windows that were annotated."""
        return sum(self.summary.get("annotated", {}).values())

    def number(self, name: str) -> int:
        """Give a count of the summary, 0 where it has none of this name."""
        return int(self.summary.get(name) or 0)


def last_runs(runs: pl.LazyFrame) -> list[NightRun]:
    """Choose each dataset's last night, the newest first.

    That is its newest nightly run and whatever came after it; where no night
    was run, the newest of each flow.
    """
    of_flows = runs.filter(pl.col("flow").is_in(FLOWS))
    known = of_flows.select("run_id", "flow", "dataset", "started_at").collect()
    newest = known.sort("started_at", "run_id", descending=True).unique(
        ["dataset", "flow"], keep="first", maintain_order=True
    )
    night = pl.col("started_at").filter(pl.col("flow") == "nightly").max().over("dataset")
    chosen = newest.filter((pl.col("started_at") >= night).fill_null(value=True))
    rows = of_flows.filter(pl.col("run_id").is_in(chosen["run_id"].implode())).collect()
    return [_read(row) for row in rows.sort("started_at", "run_id", descending=True).to_dicts()]


def _read(row: dict[str, Any]) -> NightRun:
    told = {name: json.loads(row[name]) for name in ("summary", "config", "versions")}
    source = row["source"] or ""
    if told["config"].get("deidentify"):
        told["config"] = {k: v for k, v in told["config"].items() if k not in _PLACES}
        source = ""
    kept = ("run_id", "flow", "outcome", "started_at", "seconds")
    return NightRun(
        **{name: row[name] for name in kept},
        **told,
        dataset=row["dataset"] or "",
        source=source,
    )
