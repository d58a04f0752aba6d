"""Tell a run's summary to Prefect, as a table artifact."""

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.summary import Summary


def tell(summary: Summary) -> None:
    """Leave the counts as a table artifact of the flow run."""
    if FlowRunContext.get() is None:
        return
    create_table_artifact(
        table=summary.table() or [{"what": "nothing was new or changed", "signal": "", "count": 0}],
        key=f"pulselake-{summary.flow}",
        description=" ".join(summary.sentences()),
    )
