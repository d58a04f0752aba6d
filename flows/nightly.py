"""The night: ingest what is new, fill what is missing, say what was done."""

from prefect import flow

from flows.backfill import fill_windows
from flows.config import NightlyConfig
from flows.ingest import ingest_records
from flows.restorers import make_restorer
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from ops.lake import Lake


@flow(name="nightly")
def nightly(config: NightlyConfig) -> RunSummary:
    """Ingest what is new or changed, grade it, fill what is missing, report."""
    with recorded_run("nightly", config) as summary:
        make_restorer(config)  # a bad checkpoint ends the night before a record is read
        ingest_records(config, summary)
        fill_windows(config, summary)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    return summary
