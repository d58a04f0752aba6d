"""One night of the scale benchmark in a process of its own, step by step.

``python -m bench.scale_night STEP SOURCE LAKE`` prints what each part took as JSON. ``first`` reads
what is new, as a night with no actors would; ``plan`` only plans it. ``again`` plans, finds nothing
and looks whether files are to be put together. ``copy`` writes what the lake given by ``--of``
holds to LAKE, as read from SOURCE. ``flow`` runs the whole ``nightly`` under Prefect.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import polars as pl

from bench.ingest_timed import peak_mib
from bench.scale_s3 import requests_so_far
from flows.actors.pool import Pool
from flows.actors.reader import Reader
from flows.belt import Belt
from flows.config import IngestConfig, NightlyConfig
from flows.ingest import RECORDS_A_BATCH, in_order, plan_ingest
from flows.ingest_commit import commit_records, quarantine_unread
from flows.run import count_useless, list_quarantine
from flows.summary import RunSummary
from ops.catalog import Plan
from ops.fingerprint import fingerprint
from ops.lake import Lake
from ops.lake.compact import compact
from ops.lake.tidy import Tidy
from ops.source import Entry, Source
from schemas.grid import WINDOW_S
from schemas.tables import TABLES

INGESTED = ("windows", "numerics", "records", "quarantine")


class Parts:
    """What each part of a night took: seconds, CPU seconds, requests to S3, peak memory by then.

    Requests are null where the source is no server that counts them.
    """

    def __init__(self, endpoint_url: str | None) -> None:
        self.told: dict[str, dict[str, float | None]] = {}
        self._endpoint_url = endpoint_url

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add what the block takes to a part."""
        before = self._now()
        yield
        spent = {
            figure: None if after is None else after - (before[figure] or 0)
            for figure, after in self._now().items()
        }
        self.told[part] = {**spent, "peak_mib": peak_mib()}

    def _now(self) -> dict[str, float | None]:
        asked = requests_so_far(self._endpoint_url) if self._endpoint_url else None
        return {
            "seconds": time.perf_counter(),
            "cpu_seconds": time.process_time(),
            "requests": asked,
        }


def first(config: IngestConfig, parts: Parts) -> dict[str, Any]:
    """Read all that is new, commit it, put small files together."""
    summary = _summary(config)
    to_read = _planned(config, parts).to_read
    tidy = Tidy(Lake(config.lake).location)
    commit = partial(commit_records, config=config, summary=summary, tidy=tidy)
    with (
        parts.timed("ingest"),
        Pool(partial(Reader, config, summary.run_id), 0) as pool,
        Belt(in_order(to_read), pool, commit, config.commit_every_s) as belt,
    ):
        while not belt.is_through:
            for _ in belt.work_off(RECORDS_A_BATCH):
                pass
    with parts.timed("compact"):
        for table in INGESTED:
            compact(Lake(config.lake).location, table)
    signals = sum(
        n for (_, grades) in summary.grades.items() for g, n in grades.items() if g != "absent"
    )
    return {"records": summary.records_ingested, "signal_s": signals * WINDOW_S}


def plan(config: IngestConfig, parts: Parts) -> dict[str, Any]:
    """Plan what a first night would read."""
    return {"records": len(_planned(config, parts).to_read)}


def again(config: IngestConfig, parts: Parts) -> dict[str, Any]:
    """Find nothing to do.

    Raises:
        RuntimeError: where there is something to do.
    """
    summary, lake = _summary(config), Lake(config.lake)
    planned = _planned(config, parts)
    with parts.timed("rest"):
        quarantine_unread(config, planned, summary)
        count_useless(lake, planned, summary)
        for table in INGESTED:
            compact(lake.location, table)
        list_quarantine(lake, config.dataset, summary)
    if planned.to_read or summary.rows_changed:
        message = f"nothing was to be done, and {len(planned.to_read)} records were to be read"
        raise RuntimeError(message)
    return {"records": summary.records_unchanged}


def copy(config: IngestConfig, parts: Parts, of: str) -> dict[str, Any]:
    """Write a lake's rows to another, its records as if they had been read from this source."""
    with parts.timed("copy"):
        listing = config.open_source().listing()
        for table in TABLES:
            rows = Lake(of).scan(table).collect()
            if table == "records":
                rows = _as_listed(rows, listing)
            Lake(config.lake).put(table, [rows] if rows.height else [])
    return {"records": Lake(config.lake).scan("records").select(pl.len()).collect().item()}


def flow(config: IngestConfig, parts: Parts) -> dict[str, Any]:
    """Run ``nightly`` twice with Prefect's own server; the second finds nothing.

    Raises:
        RuntimeError: where it finds something.
    """
    from prefect.testing.utilities import prefect_test_harness

    from flows.nightly import nightly

    whole = NightlyConfig(**config.model_dump(), restorer="classical")
    with prefect_test_harness(server_startup_timeout=120):
        with parts.timed("night before"):
            nightly(whole)
        with parts.timed("night"):
            summary = nightly(whole)
    if summary.rows_changed:
        message = f"nothing was to be done, and {summary.rows_changed} rows were changed"
        raise RuntimeError(message)
    return {"records": summary.records_unchanged, "timings": summary.timings}


def _planned(config: IngestConfig, parts: Parts) -> Plan:
    """Plan, with the listing told apart."""
    listing: Callable[[Source], dict[str, Entry]] = Source.listing

    def listed(source: Source) -> dict[str, Entry]:
        with parts.timed("listing"):
            return listing(source)

    with patch.object(Source, "listing", listed), parts.timed("plan"):
        return plan_ingest.fn(config)


def _as_listed(records: pl.DataFrame, listing: dict[str, Entry]) -> pl.DataFrame:
    marks = [fingerprint(files, listing) for files in records["files"]]
    return records.with_columns(pl.Series("fingerprint", marks))


def _summary(config: IngestConfig) -> RunSummary:
    return RunSummary(run_id="bench", flow="ingest", lake=config.lake, dataset=config.dataset)


def main() -> None:
    """Do one step and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["first", "plan", "again", "copy", "flow"])
    parser.add_argument("source")
    parser.add_argument("lake")
    parser.add_argument("--of")
    options = parser.parse_args()
    config = IngestConfig(source=options.source, lake=options.lake, workers=0)
    remote = "://" in options.source
    parts = Parts(os.environ.get("AWS_ENDPOINT_URL") if remote else None)
    at_start = peak_mib()
    Lake(config.lake).location.prepare()
    steps: dict[str, Callable[[IngestConfig, Parts], dict[str, Any]]] = {
        "first": first,
        "plan": plan,
        "again": again,
        "copy": partial(copy, of=options.of),
        "flow": flow,
    }
    told = steps[options.step](config, parts)
    print(json.dumps({**told, "imported_mib": at_start, "parts": parts.told}))


if __name__ == "__main__":
    main()
