"""What actors give back of a shard."""

import os
import platform
import resource
from dataclasses import dataclass

import polars as pl

from flows.actors.device import Busy
from ops.lake import DataFile, Lake
from ops.shard import Shard


@dataclass(frozen=True, kw_only=True)
class WorkedShard:
    """A file to commit, and the keys of what it answers: whatever answered them before goes.

    ``busy`` are the stretches of time for which the shard had the device of its ``actor``.
    """

    files: list[DataFile]
    keys: pl.DataFrame
    peak_rss_mib: float = 0.0
    busy: tuple[Busy, ...] = ()
    actor: str = ""


def written(lake: Lake, table: str, shard: Shard, rows: pl.DataFrame) -> list[DataFile]:
    """Write a shard's rows to a file; none where there is no row.

    Raises:
        dataframely.exc.ValidationError: where a row breaks a rule of the table.
        OSError: where the lake fails for now.
    """
    with lake.writer(table, {"dataset": shard.dataset}) as file:
        file.write(rows)
    return file.finished()


def see_same_spec(model_id: str, here: str, planned: str | None) -> None:
    """See that a node works by what the run was planned by; nothing to see where none is told.

    Raises:
        ValueError: where its checkpoint, or its code, is another.
    """
    if planned is not None and here != planned:
        message = (
            f"{platform.node()} has another model than the run was planned by, {model_id}: give "
            "every node the same checkpoint and the same image"
        )
        raise ValueError(message)


def this_actor() -> str:
    """Name this process among those of a cluster."""
    return f"{platform.node()}:{os.getpid()}"


def peak_rss_mib() -> float:
    """Give this process's largest memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
