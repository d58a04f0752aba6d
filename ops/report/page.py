"""One page of one night: what is on it, and how it becomes HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ops.judge.groups import LEAST_GROUPS
from ops.report import words
from ops.report.annotated import Annotated
from ops.report.audited import AuditedModel, figure_rows
from ops.report.grades import Place, places_of
from ops.report.pressures import MEASURED, PressureRow, spread
from ops.report.runs import NightRun
from ops.report.strips import Strip
from schemas.annotation import QUALITIES
from schemas.modality import GRADES, MODALITIES
from schemas.restoration import PRESSURES


@dataclass(frozen=True)
class Page:
    """What a page tells; every list may be empty.

    Attributes:
        lake: the lake's address.
        dataset: the one dataset that is told of; empty for all.
        as_of: the moment that the lake is told of, null for now.
        runs: the last night of each dataset, the newest first.
        graded: windows by ``place``, ``modality`` and ``grade``.
        strips: the sample of synthetic signals.
        made: signals made and not made, by modality, task and model.
        pressures: pressures by what they were calibrated by.
        abstentions: windows without an answer, by modality, task and reason.
        annotated: what is said of windows, counted.
        audited: what the audit says of each model.
        quarantined: how many inputs are in quarantine.
        classes: these by step and class of error.
        listed: the first of them.
        withdrawn: models that the lake refuses: ``model_id``, ``since`` and ``run_id``.
    """

    lake: str
    dataset: str
    as_of: str | None
    runs: list[NightRun]
    graded: pl.DataFrame
    strips: list[Strip]
    made: list[dict[str, Any]]
    pressures: list[PressureRow]
    abstentions: list[dict[str, Any]]
    annotated: Annotated
    audited: list[AuditedModel]
    quarantined: int
    classes: list[dict[str, Any]]
    listed: list[dict[str, Any]]
    withdrawn: list[dict[str, Any]]

    @property
    def places(self) -> dict[str, list[Place]]:
        """Give the places of each modality, none where no window was graded."""
        by_modality = {m: places_of(self.graded, m) for m in MODALITIES}
        return {m: places for m, places in by_modality.items() if places}

    @property
    def spreads(self) -> list[Markup]:
        """Draw each pressure by its source."""
        return [spread(self.pressures, p) for p in PRESSURES] if self.pressures else []

    @property
    def synthetic(self) -> list[PressureRow]:
        """Give the rows of pressures that were made."""
        return [row for row in self.pressures if row.kind != MEASURED]

    def total(self, name: str) -> int:
        """Add up a count over the night's runs."""
        return sum(run.number(name) for run in self.runs)


def render_page(page: Page) -> str:
    """Write the page: one HTML document that asks for nothing else.

    The same page gives the same text.
    """
    return _environment().get_template("page.html").render(page=page)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ops.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= _FILTERS
    environment.globals |= {
        "figure_rows": figure_rows,
        "GRADES": GRADES,
        "LEAST_GROUPS": LEAST_GROUPS,
        "PRESSURES": PRESSURES,
        "QUALITY_HEADS": ["signal", *(f"#{quality}" for quality in QUALITIES)],
        "share": words.share,
    }
    return environment


def _shown(value: object) -> object:
    """Let no control character through, whatever an archive's names hold."""
    return words.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _name(text: object) -> Markup:
    """Keep a name of the archive apart from the text around it, whichever way it is written."""
    return Markup("<bdi>{}</bdi>").format(escape(words.plain(text)))


def _told_by(told: dict[str, str]) -> Callable[[str], str]:
    return lambda word: told.get(word, word)


def _interval(of: dict[str, Any] | None, factor: float = 1.0) -> str:
    """Write a mean over subjects with its 95 % interval."""
    parts = [of[part] if of else None for part in ("mean", "low", "high")]
    return words.ranged(*(None if x is None else factor * x for x in parts))


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "count": words.count,
    "counted": words.counted,
    "figure": words.figure,
    "ranged": words.ranged,
    "duration": words.duration,
    "age": words.age,
    "moment": words.moment,
    "name": _name,
    "interval": _interval,
    "modality": _told_by(words.MODALITIES_TOLD),
    "task": _told_by(words.TASKS_TOLD),
    "calibration": _told_by(words.CALIBRATIONS_TOLD),
    "abstention": _told_by(words.ABSTENTIONS_TOLD),
}
