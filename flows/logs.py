"""Logs as JSON: one object a line, with what it is about and nothing that is secret."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from flows.secret_names import HIDDEN_WORDS

FIELDS: Final = (
    "run_id",
    "flow",
    "dataset",
    "step",
    "record",
    "shard",
    "attempt",
    "attempts",
    "outcome",
    "error",
    "seconds",
    "records",
    "windows",
    "quarantined",
    "done",
    "total",
    "flow_run_id",
    "task_run_name",
)
"""What a line may hold beside its time, level, logger and event; nothing else that is logged.

The last two are Prefect's own.
"""
_SECRET: Final = re.compile(rf"{HIDDEN_WORDS}|_key$|notify_(url|command)", re.IGNORECASE)
_PLACE: Final = re.compile(r"_(path|file|dir|uri|mode)$", re.IGNORECASE)
_LONG_ENOUGH: Final = 8
"""Letters below which a secret can't be told from a word."""
_PASSWORD: Final = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")

_bound: ContextVar[Mapping[str, object]] = ContextVar("_bound", default=MappingProxyType({}))


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Add fields to every line that the block logs; a thread takes them along with its context."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; of its extras those of ``FIELDS`` alone."""

    def format(self, record: logging.LogRecord) -> str:
        """Give one line: time (UTC), level, logger, event, fields, and a traceback where one is."""
        extras = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_bound.get(),
            **extras,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return without_credentials(json.dumps(line, ensure_ascii=False, default=str))


def without_credentials(text: str) -> str:
    """Take out passwords of addresses, and what the environment holds as a secret."""
    secrets = [
        value
        for name, value in os.environ.items()
        if _SECRET.search(name) and not _PLACE.search(name) and len(value) >= _LONG_ENOUGH
    ]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "…")
    return _PASSWORD.sub("…", text)
