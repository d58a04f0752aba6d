"""What a table's Delta log remembers for good, beside its rows, as application transactions.

They are committed with the rows that they speak of, and outlive checkpoints and log clean-up.
"""

import time
from datetime import UTC, datetime
from typing import Final

from deltalake import DeltaTable, Transaction

_READABLE: Final = "pulselake-readable-since-version"
_WITHDRAWN: Final = "pulselake-withdrawn:"


def withdrawn_since(delta: DeltaTable, model_id: str) -> datetime | None:
    """Tell since when a model's rows are refused; null where they are not."""
    mark = delta.transaction_version(_WITHDRAWN + model_id)
    if mark is None or mark % 2 == 0:
        return None
    return datetime.fromtimestamp((mark >> 1) / 1000, UTC)


def withdrawal(model_id: str, *, allowed: bool = False) -> Transaction:
    """Mark a model as withdrawn now, or as allowed again.

    The mark is twice the time in ms, and one more where the model is withdrawn.
    """
    now_ms = int(time.time() * 1000)
    return Transaction(_WITHDRAWN + model_id, 2 * now_ms + (not allowed), now_ms)


def readable_since(delta: DeltaTable) -> int:
    """Give the oldest version whose files vacuum has left alone."""
    return delta.transaction_version(_READABLE) or 0


def readability(version: int) -> Transaction:
    """Mark versions before this one as no longer readable."""
    return Transaction(_READABLE, version, int(time.time() * 1000))
