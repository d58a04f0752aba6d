"""How far long work is: a bar on a terminal, plain lines in a log, an artifact in Prefect."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger("pulselake")

ARTIFACT_EVERY_S: Final = 2.0
LINE_EVERY_S: Final = 10.0


class Advance(Protocol):
    """Tell that some more is done."""

    def __call__(self, done: int = 1) -> None:
        """Add to what is done."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Show ``what`` from the first advance until ``total`` is reached; nothing where none comes."""
    with ExitStack() as shown:
        begun: list[Advance] = []

        def advance(done: int = 1) -> None:
            if not begun:
                begun.append(shown.enter_context(_shown(what, total)))
            begun[0](done)

        yield advance


@contextmanager
def _shown(what: str, total: int) -> Iterator[Advance]:
    meter = _Meter(what, total)
    if not sys.stderr.isatty():
        yield meter.advance
        meter.finish()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int = 1) -> None:
            bar.advance(task, done)
            meter.advance(done, quiet=True)

        yield advance
    meter.finish()


class _Meter:
    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._line_at = time.monotonic()
        self._artifact_at = self._line_at
        self._artifact = self._new_artifact()

    def advance(self, done: int = 1, *, quiet: bool = False) -> None:
        self._done += done
        now = time.monotonic()
        if not quiet and now - self._line_at >= LINE_EVERY_S:
            self._line_at = now
            self._say()
        if now - self._artifact_at >= ARTIFACT_EVERY_S:
            self._artifact_at = now
            self._show()

    def finish(self) -> None:
        self._say()
        self._show()

    def _say(self) -> None:
        extra = {"done": self._done, "total": self._total}
        logger.info("%s: %d of %d", self._what, self._done, self._total, extra=extra)

    def _new_artifact(self) -> UUID | None:
        if FlowRunContext.get() is None:
            return None
        # A key takes ASCII letters, digits and dashes alone, which a dataset's name may lack.
        key = "pulselake-" + self._what.split()[0].lower()
        made = create_progress_artifact(0.0, key=key, description=self._what)
        return made if isinstance(made, UUID) else None

    def _show(self) -> None:
        if self._artifact is not None:
            percent = min(100.0, 100.0 * self._done / self._total)
            update_progress_artifact(self._artifact, progress=percent)
