"""Which models a lake refuses, since when and by which run."""

import json
from datetime import datetime, timedelta
from typing import Final

import polars as pl
from pydantic import BaseModel

from ops.lake import Lake
from ops.lake.withdrawal import MODEL_TABLES, refused_since

_CLOCK: Final = timedelta(seconds=1)


class WithdrawnModel(BaseModel):
    """A model whose rows are refused; a null ``run_id`` says that its run left no row."""

    model_id: str
    since: datetime
    run_id: str | None


def withdrawn_models(lake: Lake) -> list[WithdrawnModel]:
    """List the models that a lake refuses, by name."""
    named = {json.loads(text)["model_id"] for text in _withdrawals(lake)["config"]}
    known = [withdrawn_model(lake, model_id) for model_id in sorted(named)]
    return [model for model in known if model is not None]


def withdrawn_model(lake: Lake, model_id: str) -> WithdrawnModel | None:
    """Tell since when a lake refuses a model; null where it takes its rows."""
    since = refused_since((lake.open(table) for table in MODEL_TABLES), model_id)
    if since is None:
        return None
    runs = [
        run["run_id"]
        for run in _withdrawals(lake).iter_rows(named=True)
        if json.loads(run["config"])["model_id"] == model_id
        and run["started_at"] - _CLOCK <= since
        and since <= run["started_at"] + timedelta(seconds=run["seconds"]) + _CLOCK
    ]
    return WithdrawnModel(model_id=model_id, since=since, run_id=runs[0] if runs else None)


def refuse_withdrawn(lake: Lake, model_id: str, verb: str = "fill") -> None:
    """See that a lake takes what a model makes; ``verb`` is what it would do.

    Raises:
        ValueError: where it was withdrawn, with what to do.
    """
    model = withdrawn_model(lake, model_id)
    if model is None:
        return
    by = f" by run {model.run_id}" if model.run_id else ""
    message = (
        f"model {model_id} was withdrawn from lake {lake.url} on {model.since:%Y-%m-%d %H:%M:%S} "
        f"UTC{by}: {verb} by another model, or allow it again by `pulselake withdraw {lake.url} "
        f"--model-id {model_id} --allow`"
    )
    raise ValueError(message)


def _withdrawals(lake: Lake) -> pl.DataFrame:
    """List the runs that withdrew or allowed a model, the newest first."""
    runs = lake.scan("runs").filter(pl.col("flow") == "withdraw")
    rows = runs.select("run_id", "config", "started_at", "seconds")
    return rows.sort("started_at", descending=True).collect()
