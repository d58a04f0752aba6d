"""Remove files of a lake that no version needs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect import flow
from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from flows.run import recorded
from flows.show import say
from flows.summary import Summary
from flows.tell import tell
from flows.upkeep import lake_there
from flows.upkeep_config import VacuumConfig
from ops.lake.history import since_when, told
from ops.lake.vacuum import GOES, TableFile, judge_files, remove_files
from schemas.tables import TABLES

_WORDS: Final = {
    "active": "in the table",
    "orphan": "in no version",
    "replaced": "too old",
    "needed": "for --as-of",
    "young": "too young",
    "foreign": "not ours",
}


class Pile(BaseModel):
    """Some files, and their size together."""

    files: int = 0
    size_bytes: int = 0


class VacuumSummary(Summary):
    """Files below each table's folder by their fate, as ``ops.lake.vacuum`` tells them apart.

    ``orphan`` and ``replaced`` went, or would go where ``dry_run``. ``readable_since`` is the time
    as of which the lake can be read from now on; null where that is its beginning.
    """

    dry_run: bool = False
    keep_days: float = 0.0
    older_than_hours: float = 0.0
    tables: dict[str, dict[str, Pile]] = Field(default_factory=dict)
    removed: Pile = Field(default_factory=Pile)
    readable_since: str | None = None

    def sentences(self) -> list[str]:
        """Say in words what went, and what stays and why."""
        if self.error:
            return [self.error]
        verb = "would go" if self.dry_run else "went"
        orphans, replaced = self._said("orphan"), self._said("replaced")
        needed, young, foreign = self._said("needed"), self._said("young"), self._said("foreign")
        days, hours = f"{self.keep_days:g} days", f"{self.older_than_hours:g} h"
        since = self.readable_since or "its beginning"
        return [
            f"{orphans} that no version names {verb}, and {replaced} that no version of the last "
            f"{days} needs.",
            f"Kept: {needed} no longer in a table that --as-of needs, {young} that a night may "
            f"still commit (younger than {hours}), {foreign} that no night has written.",
            f"The lake can be read as it was since {since}.",
        ]

    def table(self) -> list[dict[str, object]]:
        """Give the files of each table, by fate."""
        return [
            {"table": table, **{_WORDS[fate]: pile.files for fate, pile in piles.items()}}
            for table, piles in self.tables.items()
        ]

    def _said(self, fate: str) -> str:
        pile = _added(piles[fate] for piles in self.tables.values())
        return f"{pile.files} files ({pile.size_bytes / 1e6:.1f} MB)"


@flow(name="vacuum")
def vacuum(config: VacuumConfig) -> VacuumSummary:
    """Remove what nights cut short have left, and what no kept version needs.

    Raises:
        ValueError: where there is no such lake.
    """
    location = lake_there(config).location
    with recorded("vacuum", config, VacuumSummary) as summary:
        summary.dry_run, summary.keep_days = config.dry_run, config.keep_days
        summary.older_than_hours = config.older_than_hours
        now = datetime.now(UTC)
        for table in TABLES:
            files = judge_files(
                location,
                table,
                keep=timedelta(days=config.keep_days),
                older_than=timedelta(hours=config.older_than_hours),
                now=now,
            )
            if not config.dry_run:
                remove_files(location, table, files)
            summary.tables[table] = {fate: _pile(files, fate) for fate in _WORDS}
        summary.removed = _added(
            piles[fate] for piles in summary.tables.values() for fate in GOES if not config.dry_run
        )
        since = since_when(location)
        summary.readable_since = told(since, up=True) if since else None
    tell(summary)
    return summary


def show_vacuum(summary: VacuumSummary, console: Console) -> None:
    """Print what a vacuum did."""
    table = Table("table", *_WORDS.values(), title="Files", title_justify="left")
    for name, piles in summary.tables.items():
        table.add_row(name, *(str(piles[fate].files) for fate in _WORDS))
    console.print(table)
    for sentence in summary.sentences():
        say(console, sentence)
    say(console, f"{summary.seconds:.1f} s, run {summary.run_id}")


def _pile(files: list[TableFile], fate: str) -> Pile:
    sizes = [file.size for file in files if file.fate == fate]
    return Pile(files=len(sizes), size_bytes=sum(sizes))


def _added(piles: Iterable[Pile]) -> Pile:
    kept = list(piles)
    return Pile(files=sum(p.files for p in kept), size_bytes=sum(p.size_bytes for p in kept))
