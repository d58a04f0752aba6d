"""Serve what runs have left in a folder, and what their lake says of itself.

Run as ``python -m flows.exporter`` beside a worker, which stays while runs come and go: a scrape
finds how the last night ended. The folder is that of ``PULSELAKE_METRICS_FOLDER``, the port that of
``PULSELAKE_SCRAPE_PORT``; the lake at ``PULSELAKE_LAKE``, if any, is looked at once an hour, since
the folder is lost with its machine.
"""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from flows.json_lines import json_lines
from flows.watching import VARIABLES, watching

logger = logging.getLogger("pulselake")

FOLDER_VARIABLE: Final = VARIABLES["metrics_folder"]
PORT_VARIABLE: Final = "PULSELAKE_SCRAPE_PORT"
PORT: Final = 9108
MOST_PORT: Final = 65535
LOOK_EVERY_S: Final = 3600.0
PATIENCE_S: Final = 900.0


class FolderMetrics(Collector):
    """What the files of a folder hold when it is asked, each metric of all files together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Give every sample; a file that can't be read is a line of the log, the others stay."""
        found: dict[str, Metric] = {}
        for file in sorted(self._folder.glob("*.prom")):
            for metric in _metrics_of(file):
                found.setdefault(metric.name, metric)
                if found[metric.name] is not metric:
                    found[metric.name].samples += metric.samples
        return found.values()


def registry_of(folder: Path) -> CollectorRegistry:
    """Make a registry that is as the folder is when it is asked."""
    registry = CollectorRegistry()
    registry.register(FolderMetrics(folder))
    return registry


def look_at(lake: str, folder: Path) -> bool:
    """Leave in the folder what a lake says of itself; say whether it did.

    In a process of its own, whose memory goes with it; why it failed is in the log.
    """
    file = folder / "lake.prom"
    command = [sys.executable, "-m", "flows.cli", "status", lake, "--no-plan"]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "--metrics-file", str(file)],
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        logger.warning("lake %s did not say how it is within %g s", lake, PATIENCE_S)
        return False
    return done.returncode == 0


def scrape_port() -> int:
    """Read the port to serve on from the environment.

    Raises:
        ValueError: where it is none.
    """
    text = os.environ.get(PORT_VARIABLE) or str(PORT)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= MOST_PORT:
        message = f"{PORT_VARIABLE} must be a port from 1 to {MOST_PORT}, got {text!r}"
        raise ValueError(message)
    return int(text)


def main() -> None:
    """Serve until the process is told to end.

    Raises:
        SystemExit: where a variable is wrong, the folder can't be made or the port is taken.
    """
    try:
        by, port = watching(), scrape_port()
    except ValueError as error:
        sys.exit(str(error))
    if by.metrics_folder is None:
        sys.exit(f"{FOLDER_VARIABLE} must name a folder, got nothing")
    try:
        by.metrics_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"{FOLDER_VARIABLE} {by.metrics_folder} can't be made: {error.strerror}")
    with json_lines() if by.log_json else nullcontext():
        try:
            start_http_server(port, registry=registry_of(by.metrics_folder))
        except OSError as error:
            logger.error("metrics can't be served on port %d: %s", port, error.strerror)  # noqa: TRY400
            sys.exit(1)
        while True:
            if lake := os.environ.get("PULSELAKE_LAKE"):
                look_at(lake, by.metrics_folder)
            time.sleep(LOOK_EVERY_S)


def _metrics_of(file: Path) -> list[Metric]:
    try:
        return list(text_string_to_metric_families(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        logger.warning("metrics of %s can't be read: %s", file, error)
        return []


if __name__ == "__main__":
    main()
