"""Standard error as JSON lines: ours, those of libraries, and what they print."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from flows.logs import JsonLines

_OURS: Final = ("pulselake", "flows")


@contextmanager
def json_lines() -> Iterator[None]:
    """Let standard error hold JSON alone for the length of the block.

    Events of each record and shard are told too, which a text log leaves out. Nothing to do where
    an outer block does it already.
    """
    if isinstance(sys.stderr, Lines):
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    stderr, levels = sys.stderr, {name: logging.getLogger(name).level for name in _OURS}
    before = _taken_over(handler)
    sys.stderr = Lines(logging.getLogger("stderr"), stderr)
    logging.captureWarnings(True)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        sys.stderr = stderr
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for logger, handlers in before.items():
            logger.handlers[:] = handlers


class Lines(io.TextIOBase):
    """A stream whose lines are logged, in place of another one."""

    def __init__(self, logger: logging.Logger, before: TextIO) -> None:
        self._logger = logger
        self._before = before
        self._of_thread = threading.local()

    def write(self, text: str) -> int:
        """Log the lines that are whole; keep the rest for the thread's next call."""
        mine = self._of_thread.__dict__
        *lines, mine["rest"] = (mine.get("rest", "") + text).split("\n")
        if mine.get("logs"):  # a handler that fails would tell it here
            return len(text)
        mine["logs"] = True
        try:
            for line in lines:
                if line.strip():
                    self._logger.warning("%s", line.rstrip())
        finally:
            mine["logs"] = False
        return len(text)

    def fileno(self) -> int:
        """Give that of the stream before, for what writes where a process crashes.

        Raises:
            io.UnsupportedOperation: where that has none, as of any stream without.
        """
        if not _has_descriptor(self._before):
            message = "fileno"
            raise io.UnsupportedOperation(message)
        return self._before.fileno()

    def writable(self) -> bool:
        """Say yes."""
        return True


def _taken_over(handler: logging.Handler) -> dict[logging.Logger, list[logging.Handler]]:
    """Let every logger that writes to a terminal write to ``handler``; give what each had."""
    there = [*logging.root.manager.loggerDict.values()]
    named = [one for one in there if isinstance(one, logging.Logger) and one.handlers]
    before = {}
    for logger in (logging.root, *named):
        before[logger] = [*logger.handlers]
        quiet = [one for one in logger.handlers if not _writes_lines(one)]
        spoke = len(quiet) < len(logger.handlers)
        logger.handlers[:] = [*quiet, handler] if spoke or logger is logging.root else quiet
    return before


def _writes_lines(handler: logging.Handler) -> bool:
    """Whether a handler writes to a terminal, or what stands in for one, and not to a log file."""
    if isinstance(handler, logging.FileHandler) or not isinstance(handler, logging.StreamHandler):
        return False
    return handler.stream in (sys.stdout, sys.stderr) or _has_descriptor(handler.stream)


def _has_descriptor(stream: TextIO | None) -> bool:
    """Whether there is a stream, and a file or a terminal behind it."""
    if stream is None:
        return False
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):  # closed, in memory, or with `write` alone
        return False
    return True
