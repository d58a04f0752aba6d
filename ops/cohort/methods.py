"""The methods paragraph of an export, with its own numbers; what was not measured is not said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from ops.cohort.answers import Spec
from ops.cohort.audit_table import audit_paragraphs, without_errors
from ops.cohort.figures import Figures
from ops.cohort.words import BY, counted, listed, share, within
from schemas.restoration import LEVEL

_WHY: Final = {
    "not_made_for": "the model was not made for the task",
    "conditions": "ECG or PPG were too poor",
    "range": "the window lay outside what the model was trained on",
    "reference_age": "the calibrating reading was too old",
    "silent": "the model had nothing to say",
    "still_bad": "what was made would have been graded bad",
}
_SHARED: Final = (
    "They share tables, each row flagged as synthetic or not; hourly and subject means are of one "
    "source each."
)


@dataclass(frozen=True)
class Model:
    """What is on record of a model that made pressures."""

    model_id: str
    sha256: str
    sampler: str
    n_samples: int

    @classmethod
    def of(cls, spec: Spec) -> Self:
        """Take what a spec says of its model."""
        return cls(spec.model_id, spec.model_sha256, spec.sampler, spec.n_samples)

    def __str__(self) -> str:
        drawn = f", mean of {self.n_samples} samples" if self.n_samples > 1 else ""
        return (
            f"{self.model_id} (weights SHA-256 {self.sha256[:12]}, sampler {self.sampler}{drawn})"
        )


@dataclass(frozen=True)
class Study:
    """What an export was asked for, and of what.

    ``model_id`` is that of the one model that was asked for, ``specs`` are how pressures were made.
    """

    datasets: Sequence[str]
    where: str
    as_of: str | None
    mix: bool
    version: str
    graders: Sequence[str]
    models: Sequence[Model]
    model_id: str = ""
    specs: Sequence[Spec] = ()


def methods(
    study: Study, figures: Mapping[str, Figures], audit: Sequence[Mapping[str, Any]]
) -> str:
    """Write the paragraphs, in Markdown.

    Args:
        study: what was asked for.
        figures: counts by source, of those that were asked for.
        audit: ``ops.audit.measures.audit_measures`` of the specs that are in the export.
    """
    parts = ["# Methods", _source_of(study)]
    if "measured" in figures:
        parts.append(_measured(study, figures["measured"]))
    if "synthetic" in figures:
        made = figures["synthetic"]
        parts.append(_synthetic(study, made))
        if made.windows:
            parts.append(_intervals(made))
        parts += [_SHARED] if study.mix else []
        parts += ["## Error at this site", *audit_paragraphs(audit, made.models, study.specs)]
    parts += ["## What is not known", _unknown(study, figures, audit)]
    return "\n\n".join(parts) + "\n"


def _source_of(study: Study) -> str:
    names = listed([f"`{name}`" for name in study.datasets]) or "no data set"
    when = f", as it was at {study.as_of}," if study.as_of else ""
    where = " ".join(study.where.split())
    taken = f"Windows that met `{where}` were taken." if where else "All windows were taken."
    return (
        f"Blood pressures were read from {names}{when} with pulselake {study.version}. Bedside "
        "waveforms had been brought to 125 Hz and cut into windows of 4.0 s, side by side from "
        f"each record's start. {taken}"
    )


def _measured(study: Study, told: Figures) -> str:
    if not told.windows:
        return "No window had a pressure that was measured."
    by = f" (grader {listed(study.graders)})" if study.graders else ""
    return (
        f"**Measured.** {_amount(told)} had systolic, diastolic and mean pressures from an "
        f"arterial line whose window was graded good or fair{by}. They are given as measured, "
        "without an interval."
    )


def _synthetic(study: Study, told: Figures) -> str:
    models = listed([str(model) for model in study.models]) or "no model"
    alone = f" Answers of {study.model_id} alone were taken." if study.model_id else ""
    if not told.windows:
        return f"**Synthetic.** No pressure was estimated.{alone} {_abstained(study, told)}"
    kinds = [
        f"{share(n, told.windows)} were calibrated {BY[kind]}"
        for kind, n in told.calibrations.items()
    ]
    have, age = "has" if told.windows == 1 else "have", ""
    if told.oldest_reference_s is not None:
        age = f" A reading was {within(told.oldest_reference_s)} away in time."
    return (
        f"**Synthetic.** Where no pressure was measured, it was estimated by {models}.{alone} "
        f"{_amount(told)} {have} such a pressure; of these windows, {listed(kinds)}.{age} "
        f"{_abstained(study, told)} No synthetic pressure was averaged with a measured one."
    )


def _abstained(study: Study, told: Figures) -> str:
    silent = sum(told.abstained.values())
    if not silent and not told.without_pressure and study.where:
        return "None of the windows taken is without one; a condition on pressures takes no others."
    if not silent and not told.without_pressure:
        return "The model abstained in no window."
    why = [f"{n} as {_WHY[reason]}" for reason, n in told.abstained.items()]
    why += [f"{told.without_pressure} without a reason on record"] if told.without_pressure else []
    asked = silent + told.without_pressure + told.windows
    without = silent + told.without_pressure
    return (
        f"There is no pressure in {counted(without, 'further window')} "
        f"({share(without, asked)} of those asked for): {listed(why)}."
    )


def _intervals(told: Figures) -> str:
    level = f"{100 * LEVEL:.0f} %"
    site, shipped = (told.corrections.get(name, 0) for name in ("site", "shipped"))
    said = []
    if site:
        said.append(
            f"In {share(site, told.windows)} of the windows value and interval were corrected "
            "by this site's own audit, by conformal prediction in which every subject counts "
            f"alike; the correction rests on {told.correction_subjects} subjects or more, none of "
            "whom judged it."
        )
    if shipped:
        said.append(
            f"In {share(shipped, told.windows)} the correction is the one that the model was "
            "shipped with, since the audit of this site has too few subjects for them, or none; "
            "how often these intervals hold at this site is not assured."
        )
    return (
        f"**Intervals.** Every synthetic pressure has a {level} interval. {' '.join(said)} The "
        "level is meant over subjects like these: it says how often intervals hold on average, and "
        "neither for one patient nor for one hour. The interval of an hour is the mean of its "
        "windows' bounds: errors within an hour are taken as one, which makes it no narrower for "
        "there being many windows."
    )


def _unknown(
    study: Study, figures: Mapping[str, Figures], audit: Sequence[Mapping[str, Any]]
) -> str:
    lines = ["- Pressures between windows, and in hours that the tables do not cover."]
    if "measured" in figures:
        lines.append(
            "- Errors of the arterial line itself: a transducer that is off by a constant is seen "
            "by no grade."
        )
    made = figures.get("synthetic")
    if made and made.windows:
        lines.append(
            "- The error in patients who never had an arterial line: the audit hides lines of "
            "those who had one, and they may differ."
        )
    if made and made.calibrations.get("none"):
        lines.append(
            "- The level of pressures calibrated by nothing: they follow the population's."
        )
    lines += [f"- {_unaudited(spec, kind)}" for spec, kind in without_errors(audit, study.specs)]
    unclocked = sum(told.without_clock for told in figures.values())
    if unclocked:
        lines.append(
            f"- The time of day of {counted(unclocked, 'window')}, of records without a clock: "
            "hours count from the record's start there, and OMOP and MEDS leave them out."
        )
    return "\n".join(lines)


def _unaudited(spec: Spec, kind: str) -> str:
    made = f"The error of pressures by {spec.model_id} in `{spec.dataset}` that were calibrated"
    if kind == "restored":
        return f"{made} {BY[kind]}: an audit hides the line, and restores none."
    return f"{made} {BY[kind]}: no row of the tables above tells it."


def _amount(told: Figures) -> str:
    long = f"{told.hours:.1f} h" if told.hours >= 1 else f"{60 * told.hours:.1f} min"
    return f"{counted(told.windows, 'window')} ({long}) of {counted(told.subjects, 'subject')}"
