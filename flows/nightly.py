"""The night: ingest what is new, fill what is missing, say what was done."""

from contextlib import ExitStack

from prefect import flow

from flows.annotate import annotate_windows
from flows.annotate_config import annotation_of
from flows.annotate_plan import annotating
from flows.audit import audit_windows
from flows.backfill import fill_windows
from flows.backfill_plan import filling
from flows.config import NightlyConfig
from flows.ingest import ingest_records
from flows.notify import tell_failure
from flows.report import report
from flows.report_config import ReportConfig
from flows.run import list_quarantine, recorded_run
from flows.summary import RunSummary
from flows.tell import tell
from flows.turn import await_turn
from ops.lake import Lake


@flow(name="nightly", on_failure=[tell_failure], on_crashed=[tell_failure])
def nightly(config: NightlyConfig) -> RunSummary:
    """Ingest what is new or changed, grade it, fill what is missing, annotate, audit, report."""
    await_turn(config.lake)
    with recorded_run("nightly", config) as summary, ExitStack() as until_dawn:
        # A bad checkpoint, or a withdrawn model, ends the night before a record is read.
        by = filling(Lake(config.lake), config)
        words = annotation_of(config.model_dump()) if config.annotate else None
        said_by = annotating(Lake(config.lake), words) if words else None
        ingest_records(config, summary, until_dawn)
        fill_windows(config, summary, until_dawn, by)
        if words and said_by:
            annotate_windows(words, summary, until_dawn, said_by)
        audit_windows(config, summary, until_dawn, by)
        list_quarantine(Lake(config.lake), config.dataset, summary)
    tell(summary)
    if config.report:
        # The page tells of the run's row, which is there once the run is over.
        report(ReportConfig(lake=config.lake, dataset=config.dataset, out=config.report))
    return summary
