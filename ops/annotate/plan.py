"""What an annotation of a lake has to do: shards of windows, and what decides their rows."""

import hashlib
import json
from collections.abc import Iterator
from typing import Final

import polars as pl

from ops.annotate.given import GIVEN, WINDOW
from ops.shard import Shard, parts_of
from schemas.annotator import Annotator

ROWS_VERSION: Final = "1"
"""Of the rows that are made of what an annotator says."""

MADE_FROM: Final = [*WINDOW, "input_sha256"]
_ASKED: Final = ["window_index", "window_sha256", "input_sha256", *GIVEN]


class AnnotateShard(Shard):
    """At most 256 windows of one record to annotate.

    ``wants`` has a row a window: ``window_index``, ``window_sha256``, ``input_sha256``, and the
    columns of ``ops.annotate.given.GIVEN``.
    """


def spec_sha256(annotator: Annotator) -> str:
    """Hash all that decides an annotation beside its input: the annotator and its model."""
    parts = {
        "rows": ROWS_VERSION,
        "model_id": annotator.model_id,
        "model_sha256": annotator.model_sha256,
        "spec": dict(annotator.spec),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def shards(missing: pl.DataFrame) -> Iterator[AnnotateShard]:
    """Cut windows that are not annotated into shards, record by record, in the order of time."""
    for part in parts_of(missing):
        first = part.row(0, named=True)
        wants = part.select(_ASKED)
        yield AnnotateShard(first["dataset"], first["record_id"], first["subject_id"], wants)
