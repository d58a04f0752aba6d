"""Metrics of a run while it works: a file that is kept up to date, or a port that answers."""

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile

from flows.health import flow_health
from flows.metrics import RunMetrics
from flows.summary import Summary
from flows.watching import Watching
from ops.lake import Lake

logger = logging.getLogger("pulselake")

EVERY_S: Final = 15.0
"""Seconds between two writings of the file: what Prometheus scrapes by default is a minute."""


@contextmanager
def measured(summary: Summary, lake: Lake, started: datetime, by: Watching) -> Iterator[None]:
    """Tell Prometheus of a run for the length of the block, and in the file of its end too.

    Raises:
        OSError: where the file can't be written or the port is taken, before anything is done. A
            folder that can't be written, which is a worker's for all nights, is a line of the log.
    """
    if not (by.metrics_file or by.metrics_folder or by.metrics_port):
        yield
        return
    metrics = RunMetrics(summary, started, _good_at(lake, summary))
    registry = CollectorRegistry()
    registry.register(metrics)
    with ExitStack() as told:
        if by.metrics_port is not None:
            told.enter_context(_served(registry, by.metrics_port))
        if by.metrics_file is not None:
            write_metrics(registry, by.metrics_file)
            told.enter_context(_kept(registry, by.metrics_file))
        if by.metrics_folder is not None:
            file = by.metrics_folder / file_name(summary)
            _write_or_say(registry, file)
            told.enter_context(_kept(registry, file))
        told.callback(lambda: metrics.end(datetime.now(UTC)))
        yield


def file_name(summary: Summary) -> str:
    """Name the file of a lake, flow and dataset in a folder of many; a rerun's is the same."""
    of = "\0".join((summary.lake, summary.flow, summary.dataset))
    return f"{summary.flow}-{hashlib.sha256(of.encode()).hexdigest()[:16]}.prom"


def write_metrics(registry: CollectorRegistry, file: Path) -> None:
    """Write metrics to a file, whole or not at all.

    Raises:
        OSError: naming the file.
    """
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        message = f"metrics can't be written to {file}: {error.strerror}"
        raise OSError(message) from error


@contextmanager
def _served(registry: CollectorRegistry, port: int) -> Iterator[None]:
    try:
        server, thread = start_http_server(port, registry=registry)
    except OSError as error:
        message = f"metrics can't be served on port {port}: {error.strerror}"
        raise OSError(message) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _kept(registry: CollectorRegistry, file: Path) -> Iterator[None]:
    over = threading.Event()
    writer = threading.Thread(target=_write_on, args=(registry, file, over), daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
        _write_or_say(registry, file)


def _write_on(registry: CollectorRegistry, file: Path, over: threading.Event) -> None:
    written = True
    while not over.wait(EVERY_S):
        written = _write_or_say(registry, file, aloud=written)


def _write_or_say(registry: CollectorRegistry, file: Path, *, aloud: bool = True) -> bool:
    """Write, or say why not, if it is to: no night ends for its metrics. Tell whether it wrote."""
    try:
        write_metrics(registry, file)
    except OSError as error:
        if aloud:
            logger.warning("%s", error)
        return False
    return True


def _good_at(lake: Lake, summary: Summary) -> datetime | None:
    """Tell when the flow last ended well on this dataset; null where it never has."""
    runs = lake.scan("runs", summary.dataset).filter(pl.col("flow") == summary.flow).collect()
    healths = flow_health(runs, datetime.now(UTC))
    return next((one.good_at for one in healths if one.dataset == summary.dataset), None)
