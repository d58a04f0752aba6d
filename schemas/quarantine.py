"""Inputs and shards that could not be used, one by one."""

import dataframely as dy

from schemas.columns import key, stamp

STEPS = (
    "catalog",
    "fetch",
    "header",
    "read",
    "numerics",
    "ingest",
    "backfill",
    "audit",
    "annotate",
)

RECORD_STEPS = ("fetch", "header", "ingest")
"""Steps at which a whole record may be given up."""


class Quarantined(dy.Schema):
    """One input, or one shard, that could not be used: at which step, and why in one sentence.

    ``path`` is below the source; a shard is ``record_id#windows=first-last``. It is tried again
    when ``fingerprint`` or ``code_version`` has changed, and its row goes when it succeeds.
    """

    dataset = key()
    path = key()
    step = key()
    record_id = dy.String(nullable=True)
    error = dy.String()
    reason = dy.String()
    fingerprint = dy.String()
    code_version = dy.String()
    attempts = dy.Int32(min=1)
    run_id = dy.String()
    created_at = stamp()
