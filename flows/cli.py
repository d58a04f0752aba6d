"""The command ``pulselake``."""

import atexit
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from flows.annotate_config import AnnotateConfig
from flows.annotate_image_config import AnnotateImageConfig, lake_or_image
from flows.checkpoint import checkpoint
from flows.cohort_config import CohortConfig
from flows.config import AuditConfig, BackfillConfig, IngestConfig, NightlyConfig
from flows.evaluate_config import EvaluateConfig
from flows.options import command_of
from flows.report_config import ReportConfig
from flows.show import say, show
from flows.summary import RunSummary
from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_config import TrainConfig
from flows.upkeep_config import StatusConfig, VacuumConfig, WithdrawConfig

QUARANTINED: Final = 3
_RUN: Final = ("metrics_file", "metrics_port")

Told = TypeVar("Told", bound=BaseModel)

app = typer.Typer(
    help="From an archive of bedside waveforms to a lake that can be queried.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run the command; a failure is one sentence on standard error and exit status 1."""
    _prefect_for_one_run()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("pulselake").setLevel(logging.INFO)
    try:
        app()
    except Exception as error:
        logging.getLogger(__name__).debug("failed", exc_info=error)
        told = Text(f"pulselake failed: {error}", style="red")
        Console(stderr=True, soft_wrap=True).print(told)
        sys.exit(1)


def _prefect_for_one_run() -> None:
    """Let Prefect leave the terminal to this command, and live where no home can be written to."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    home = Path.home()
    if "PREFECT_HOME" not in os.environ and not os.access(home, os.W_OK):
        folder = tempfile.mkdtemp(prefix="pulselake-prefect-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["PREFECT_HOME"] = folder


def _run(run: Callable[[], Told], *, json: bool) -> Told:
    # Ray tells of a dead worker on standard output, which is the JSON's alone.
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return run()
    except Exception as error:
        if json:
            sys.stdout.write(dumps({"outcome": "failed", "error": str(error)}) + "\n")
        raise


def _told(run: Callable[[], RunSummary], *, json: bool, strict: bool) -> None:
    summary = _run(run, json=json)
    if json:
        sys.stdout.write(summary.model_dump_json() + "\n")
    else:
        show(summary, Console())
    if strict and summary.inputs_quarantined:
        raise typer.Exit(QUARANTINED)


def _nightly(config: NightlyConfig, json: bool, strict: bool) -> None:
    from flows.nightly import nightly

    _told(lambda: nightly(config), json=json, strict=strict)


def _ingest(config: IngestConfig, json: bool, strict: bool) -> None:
    from flows.ingest import ingest

    _told(lambda: ingest(config), json=json, strict=strict)


def _backfill(config: BackfillConfig, json: bool, strict: bool) -> None:
    from flows.backfill import backfill

    _told(lambda: backfill(config), json=json, strict=strict)


def _annotate(config: AnnotateConfig, json: bool, strict: bool) -> None:
    from flows.annotate import annotate

    _told(lambda: annotate(config), json=json, strict=strict)


def _annotate_image(config: AnnotateImageConfig, json: bool) -> None:
    from flows.annotate_image import annotate_image, show_image

    _kept_up(lambda: annotate_image(config), show_image, json=json)


def _audit(config: AuditConfig, json: bool, strict: bool) -> None:
    from flows.audit import audit

    _told(lambda: audit(config), json=json, strict=strict)


def _train(config: TrainConfig, json: bool, strict: bool) -> None:  # noqa: ARG001
    from flows.train import train

    _kept_up(lambda: train(config), _show_trained, json=json)


def _train_annotator(config: TrainAnnotatorConfig, json: bool, strict: bool) -> None:  # noqa: ARG001
    from flows.train_annotator import train_annotator

    _kept_up(lambda: train_annotator(config), _show_trained, json=json)


def _show_trained(summary: Any, console: Console) -> None:
    say(console, f"the checkpoint is {summary.checkpoint}, the curves are {summary.curves}")


def _status(config: StatusConfig, json: bool, strict: bool) -> None:
    from flows.status import lake_status, leave_metrics, show_status

    status = lake_status(config)
    leave_metrics(status)
    if json:
        sys.stdout.write(status.model_dump_json() + "\n")
    else:
        show_status(status, Console())
    if strict and status.quarantined:
        raise typer.Exit(QUARANTINED)


def _cohort(config: CohortConfig, json: bool, _: bool) -> None:
    from flows.cohort import cohort
    from flows.cohort_summary import show_cohort

    _kept_up(lambda: cohort(config), show_cohort, json=json)


def _report(config: ReportConfig, json: bool, _: bool) -> None:
    from flows.report import report, show_report

    _kept_up(lambda: report(config), show_report, json=json)


def _vacuum(config: VacuumConfig, json: bool, _: bool) -> None:
    from flows.vacuum import show_vacuum, vacuum

    _kept_up(lambda: vacuum(config), show_vacuum, json=json)


def _withdraw(config: WithdrawConfig, json: bool, _: bool) -> None:
    from flows.withdraw import show_withdrawal, withdraw

    _kept_up(lambda: withdraw(config), show_withdrawal, json=json)


def _kept_up(
    run: Callable[[], Told], show_it: Callable[[Told, Console], None], *, json: bool
) -> None:
    summary = _run(run, json=json)
    if json:
        sys.stdout.write(summary.model_dump_json() + "\n")
    else:
        show_it(summary, Console())


def _evaluate(config: EvaluateConfig, json: bool, _: bool) -> None:
    from flows.evaluate import evaluate
    from flows.evaluate_show import show_evaluation

    with contextlib.redirect_stdout(sys.stderr):
        result = evaluate(config)
    if json:
        sys.stdout.write(dumps(result, allow_nan=False) + "\n")
    else:
        show_evaluation(result, Console())


app.command("nightly")(command_of(NightlyConfig, _nightly, ("source", "lake"), metrics=_RUN))
app.command("ingest")(command_of(IngestConfig, _ingest, ("source", "lake"), metrics=_RUN))
app.command("backfill")(command_of(BackfillConfig, _backfill, ("lake",), metrics=_RUN))
_of_lake = command_of(AnnotateConfig, _annotate, ("lake",), metrics=_RUN)
app.command("annotate")(lake_or_image(_of_lake, _annotate_image))
app.command("audit")(command_of(AuditConfig, _audit, ("lake",), metrics=_RUN))
app.command("train")(command_of(TrainConfig, _train, ()))
app.command("train-annotator")(command_of(TrainAnnotatorConfig, _train_annotator, ()))
app.command("cohort")(command_of(CohortConfig, _cohort, ("lake",), strict=False))
app.command("report")(command_of(ReportConfig, _report, ("lake",), strict=False))
app.command("status")(command_of(StatusConfig, _status, ("lake",), metrics=("metrics_file",)))
app.command("vacuum")(command_of(VacuumConfig, _vacuum, ("lake",), strict=False))
app.command("withdraw")(command_of(WithdrawConfig, _withdraw, ("lake",), strict=False))
app.command("evaluate")(command_of(EvaluateConfig, _evaluate, (), strict=False))
app.add_typer(checkpoint, name="checkpoint")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demo's lake, made anew.")] = Path(
        "out/demo"
    ),
) -> None:
    """Run a night on a simulated archive and an embedded S3 server, and show where to look."""
    from flows.demo import run_demo

    run_demo(out, Console())


if __name__ == "__main__":
    main()
