"""How flows on a lake fare: their last run, and the last that was good."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl
from pydantic import BaseModel


class FlowHealth(BaseModel):
    """A flow on a dataset: how its newest run ended, and how long ago; ages are in seconds.

    Ages count from a run's end. ``good_*`` are null where no run has ended well.
    """

    flow: str
    dataset: str
    outcome: str
    run_id: str
    age_s: float
    good_run_id: str | None
    good_at: datetime | None
    good_age_s: float | None


def flow_health(runs: pl.DataFrame, now: datetime) -> list[FlowHealth]:
    """Tell of each flow and dataset from rows of ``runs``, in the order of their names."""
    ended = runs.with_columns(
        pl.col("dataset").fill_null(""),
        ended=pl.col("started_at") + pl.duration(milliseconds=pl.col("seconds") * 1000),
    ).sort("ended")
    return list(_of_each(ended, now))


def _of_each(ended: pl.DataFrame, now: datetime) -> Iterator[FlowHealth]:
    for (flow, dataset), rows in sorted(
        ended.partition_by("flow", "dataset", as_dict=True).items()
    ):
        last = rows.row(-1, named=True)
        good = rows.filter(outcome="done").tail(1).to_dicts()
        good_at = good[0]["ended"] if good else None
        yield FlowHealth(
            flow=str(flow),
            dataset=str(dataset),
            outcome=last["outcome"],
            run_id=last["run_id"],
            age_s=_age_s(last["ended"], now),
            good_run_id=good[0]["run_id"] if good else None,
            good_at=good_at,
            good_age_s=_age_s(good_at, now) if good_at else None,
        )


def _age_s(then: datetime, now: datetime) -> float:
    """Count seconds, none below nought: clocks differ."""
    return round(max((now - then).total_seconds(), 0.0), 1)
