"""Take a model's rows out of a lake, and refuse it from then on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import polars as pl
from deltalake import DeltaTable, Transaction

from ops.lake.commit import commit_files, open_table
from ops.lake.location import Location
from ops.lake.marks import withdrawal, withdrawn_since
from schemas.tables import TABLES

MODEL_TABLES: Final = tuple(name for name, table in TABLES.items() if "model_id" in table.key)
"""Tables whose rows a model made."""


def withdraw(location: Location, model_id: str) -> dict[str, int]:
    """Take out a model's rows and refuse further ones, in one commit a table; count what went.

    A night that fills by the model at the same time loses the race for a commit, and is refused.
    """
    return {
        name: commit_files(
            location,
            TABLES[name],
            [],
            pl.DataFrame({"model_id": [model_id]}),
            lambda delta: None if withdrawn_since(delta, model_id) else withdrawal(model_id),
        )
        for name in MODEL_TABLES
    }


def allow(location: Location, model_id: str) -> None:
    """Take rows of a model again; what was taken out does not come back."""

    def mark(delta: DeltaTable) -> Transaction | None:
        return withdrawal(model_id, allowed=True) if withdrawn_since(delta, model_id) else None

    for name in MODEL_TABLES:
        if open_table(location, name) is not None:
            commit_files(location, TABLES[name], [], None, mark)


def refused_since(tables: Iterable[DeltaTable | None], model_id: str) -> datetime | None:
    """Tell since when one of these tables refuses a model; null where all of them take it."""
    opened = (delta for delta in tables if delta is not None)
    return min(filter(None, (withdrawn_since(d, model_id) for d in opened)), default=None)
