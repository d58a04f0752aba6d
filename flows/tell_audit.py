"""Tell an audit to Prefect: its errors as an artifact, and the few that a summary holds."""

import json
from typing import Any

import polars as pl
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext

from ops.audit.measures import audit_measures
from ops.audit.strata import strata
from ops.audit.tables import audit_tables


def tell_audit(audited: pl.DataFrame) -> list[dict[str, Any]]:
    """Leave what an audit comes to as artifacts of the flow run; give its table of errors."""
    if audited.is_empty():
        return []
    measures = audit_measures(audited)
    tables = audit_tables(measures)
    if FlowRunContext.get() is not None:
        create_markdown_artifact(
            markdown=tables.markdown(),
            key="pulselake-audit-errors",
            description="How wrong synthetic pressures are, on windows whose line was hidden.",
        )
        create_table_artifact(
            table=json.loads(strata(audited).write_json()),
            key="pulselake-audit-strata",
            description="The same by model, dataset, unit, calibration, age and patient.",
        )
    return tables.errors
