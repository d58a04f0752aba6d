"""What the site's audit says of the pressures of an export, as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ops.cohort.answers import Spec
from ops.cohort.words import counted, share
from schemas.restoration import PRESSURES

_VIEWS: Final = {"site": "judges_site", "shipped": "every"}
_WHOSE: Final = {
    "site": "over the half of the audited subjects that had no say in the site's correction, after "
    "it",
    "shipped": "over all audited subjects, as the model was shipped",
}
_HEAD: Final = [
    "| calibration | pressure | subjects | windows | ME ± SD, mmHg | MAE (95 % CI), mmHg "
    "| coverage | width, mmHg | correction |",
    "|---|---|---|---|---|---|---|---|---|",
]

_ENDS: Final = ("", "_low", "_high")
_COMPARED: Final = [
    "| calibration | pressure | method | windows | subjects | MAE (95 % CI), mmHg "
    "| model less method (95 % CI), mmHg |",
    "|---|---|---|---|---|---|---|",
]
_BESIDE: Final = (
    "Over all audited subjects, every method on the same windows and the model as shipped, these "
    "are its errors beside those of the last reading held and of the mean of the patient's other "
    "audited windows, which nobody knows who has no line; MAE over subjects."
)

Measured = Mapping[str, Any]


def audit_paragraphs(
    audit: Sequence[Measured], models: Sequence[str], specs: Sequence[Spec] = ()
) -> list[str]:
    """Say each model's errors where its line was hidden from it, or that none is known.

    Args:
        audit: ``ops.audit.measures.audit_measures`` of the specs of the export.
        models: those of the export.
        specs: how they made it.
    """
    heard, keys = {of["model_id"] for of in audit}, {_key(of) for of in audit}
    parts = [part for measured in audit for part in _of_model(measured, _told_apart(audit))]
    parts += [
        f"No audit of {model} is in the lake: its error at this site is not known."
        for model in models
        if model not in heard
    ]
    parts += [
        f"No audit of {spec.model_id} in `{spec.dataset}` by spec {spec.spec_sha256[:12]} is in "
        "the lake: the error of what it made there is not known."
        for spec in specs
        if spec.model_id in heard and spec.key not in keys
    ]
    return parts or ["No model made a pressure."]


def without_errors(audit: Sequence[Measured], specs: Sequence[Spec]) -> Iterator[tuple[Spec, str]]:
    """Give each kind of pressure of an export whose error no row of the audit's tables tells."""
    known = {
        (*_key(measured), name)
        for measured in audit
        for name in _corrections(measured)
        if any(_lines(measured, name))
    }
    for spec in specs:
        for kind in spec.kinds:
            if (*spec.key, kind) not in known:
                yield spec, kind


def _key(measured: Measured) -> tuple[str, str]:
    return measured["dataset"], measured["spec_sha256"]


def _told_apart(audit: Sequence[Measured]) -> set[tuple[str, str]]:
    """Name the models, by dataset, that several specs have audits of."""
    models = [(measured["dataset"], measured["model_id"]) for measured in audit]
    return {model for model in models if models.count(model) > 1}


def _of_model(measured: Measured, several: set[tuple[str, str]]) -> list[str]:
    corrections = _corrections(measured)
    rows = [line for name in corrections for line in _lines(measured, name)]
    by = measured["model_id"]
    if (measured["dataset"], by) in several:
        by += f" (spec {measured['spec_sha256'][:12]})"
    said = (
        f"In `{measured['dataset']}`, windows with an arterial line were filled by {by} as if they "
        f"had none: {counted(measured['windows'], 'window')} of "
        f"{counted(measured['subjects'], 'subject')}."
    )
    if not rows:
        return [f"{said} They tell no error that could be given here."]
    whole = "The audit is of the whole data set, not of the windows that were selected here."
    parts = [f"{said} {_meant(corrections)} {whole}", "\n".join([*_HEAD, *rows])]
    compared = [_compared(row) for row in measured["comparison"] if row["windows"]]
    return [*parts, _BESIDE, "\n".join([*_COMPARED, *compared])] if compared else parts


def _corrections(measured: Measured) -> dict[str, str]:
    """Say whose correction each calibration has; ``all`` only where they have the same."""
    of = {row["calibration"]: row["correction"] for row in measured["corrections"]}
    views = measured["calibrations"]
    alike = len(of) > 1 and len(set(of.values())) == 1
    every = {"all": next(iter(of.values()))} if alike else {}
    return {name: (every | of)[name] for name in views if name in every | of}


def _meant(corrections: Mapping[str, str]) -> str:
    whose = sorted(set(corrections.values()))
    said = [
        f"{_WHOSE[name]}, where the correction is `{name}`" if len(whose) > 1 else _WHOSE[name]
        for name in whose
    ]
    return (
        f"Errors are synthetic less measured, {', and '.join(said)}; ME and SD over windows, MAE, "
        "coverage of the 90 % interval and its width over subjects."
    )


def _lines(measured: Measured, calibration: str) -> Iterable[str]:
    correction = _corrections(measured)[calibration]
    figures = measured["calibrations"][calibration][_VIEWS[correction]]
    for pressure in PRESSURES:
        told = figures["pressures"][pressure]
        if not told["windows"]:
            continue
        mae, coverage = told["mae"], told["coverage"]["mean"]
        cells = [
            calibration,
            pressure.upper(),
            str(told["groups"]),
            str(told["windows"]),
            f"{_number(told['me'])} ± {_number(told['sd'])}",
            _ranged(mae["mean"], mae["low"], mae["high"]),
            "not known" if coverage is None else share(coverage, 1),
            _number(told["width"]["mean"]),
            correction,
        ]
        yield f"| {' | '.join(cells)} |"


def _compared(row: Measured) -> str:
    told = [row["calibration"], row["pressure"].upper(), row["method"]]
    told += [str(row["windows"]), str(row["subjects"])]
    told.append(_ranged(*(row[f"mae{end}"] for end in _ENDS)))
    less = [row[f"difference{end}"] for end in _ENDS]
    told.append("" if row["method"] == "model" else _ranged(*less))
    return f"| {' | '.join(told)} |"


def _ranged(value: float | None, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{_number(value)} (too few subjects for an interval)"
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f}"
