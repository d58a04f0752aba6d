"""What an export for a study tells of itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydantic import Field
from rich.console import Console
from rich.table import Table

from flows.show import say
from flows.summary import Summary
from ops.cohort.words import counted

METHODS: Final = "methods.md"


class CohortSummary(Summary):
    """What was exported: ``sources`` are counts by source, ``timings`` seconds by folder and step.

    ``folders`` are those below ``out``; ``run_id`` is empty, as nothing is written to the lake.
    """

    run_id: str = ""
    flow: str = "cohort"
    out: str
    folders: list[str] = Field(default_factory=list)
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    without_clock: int = 0
    timings: dict[str, float] = Field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Say in words what was exported, and what could not be."""
        said = []
        if not any(told["windows"] for told in self.sources.values()):
            said.append("No window has a pressure that was asked for.")
        if self.without_clock:
            said.append(
                f"Without a clock: {counted(self.without_clock, 'window')}, in series, hours and "
                "subjects, and neither in OMOP nor in MEDS."
            )
        return [*said, f"The methods paragraph is {self.out}/{METHODS}."]

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the seconds that the block takes."""
        clock = time.perf_counter()
        yield
        took = time.perf_counter() - clock
        self.timings[step] = round(self.timings.get(step, 0.0) + took, 3)


def show_cohort(summary: CohortSummary, console: Console) -> None:
    """Print what was exported."""
    say(console, f"cohort of {summary.dataset or 'all datasets'} → {summary.out}", style="bold")
    table = Table("source", "subjects", "windows", "hours", "without a pressure")
    for source, told in summary.sources.items():
        silent = sum(told["abstained"].values()) + told["without_pressure"]
        cells = [told["subjects"], told["windows"], f"{told['hours']:.1f}", silent]
        table.add_row(source, *(str(cell) for cell in cells))
    console.print(table)
    for sentence in summary.sentences():
        say(console, sentence)
    say(console, f"{summary.seconds:.1f} s, largest process {summary.peak_rss_mib:.0f} MiB")
