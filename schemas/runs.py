"""Runs of the flows."""

import dataframely as dy

from schemas.columns import key, one_of, stamp

RUN_OUTCOMES = ("done", "failed")


class Run(dy.Schema):
    """One run of a flow; ``config``, ``versions`` and ``summary`` are JSON objects.

    ``config`` holds no secret; ``summary`` is what ``--json`` prints.
    """

    run_id = key()
    flow = dy.String()
    dataset = dy.String(nullable=True)
    source = dy.String(nullable=True)
    outcome = one_of(*RUN_OUTCOMES)
    started_at = stamp()
    seconds = dy.Float64(min=0)
    config = dy.String()
    versions = dy.String()
    summary = dy.String()
