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
"""Tables whose rows a model made, or that tell of it; each refuses a withdrawn model."""

EVIDENCE: Final = ("audit",)
"""Those that tell of a model: the rows that speak for its withdrawal stay."""


def withdraw(location: Location, model_id: str) -> dict[str, int]:
    """Take out what a model made and refuse it, in one commit a table; count what went.

    Its audit stays, and nothing is added to it. A night that fills or audits by the model at the
    same time loses the race for a commit, and is refused.
    """

    def mark(delta: DeltaTable) -> Transaction | None:
        return None if withdrawn_since(delta, model_id) else withdrawal(model_id)

    made = [name for name in MODEL_TABLES if name not in EVIDENCE]
    rows = pl.DataFrame({"model_id": [model_id]})
    gone = {name: commit_files(location, TABLES[name], [], rows, mark) for name in made}
    for name in EVIDENCE:
        commit_files(location, TABLES[name], [], None, mark)
    return gone


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
