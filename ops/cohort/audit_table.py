"""What the site's audit says of the pressures of an export, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ops.cohort.figures import Figures
from schemas.restoration import PRESSURES

_VIEWS: Final = {
    "judges_site": "over the half of the audited subjects that had no say in the site's "
    "correction, by that correction",
    "every": "over all audited subjects, by the shipped correction",
}
_HEAD: Final = [
    "| calibration | pressure | subjects | windows | ME ± SD, mmHg | MAE (95 % CI), mmHg "
    "| coverage | width, mmHg |",
    "|---|---|---|---|---|---|---|---|",
]

_ENDS: Final = ("", "_low", "_high")
_COMPARED: Final = [
    "| calibration | pressure | method | windows | MAE (95 % CI), mmHg "
    "| model less method (95 % CI), mmHg |",
    "|---|---|---|---|---|---|",
]


def audit_paragraphs(audit: Sequence[Mapping[str, Any]], told: Figures) -> list[str]:
    """Say each model's errors where its line was hidden from it, or that none is known."""
    audited = {measured["model_id"] for measured in audit}
    parts = [part for measured in audit for part in _of_model(measured)]
    unheard = [model for model in told.models if model not in audited]
    parts += [
        f"No audit of {model} is in the lake: its error at this site is not known."
        for model in unheard
    ]
    return parts or ["No model made a pressure."]


def _of_model(measured: Mapping[str, Any]) -> list[str]:
    site = any(row["correction"] == "site" for row in measured["corrections"])
    view = "judges_site" if site else "every"
    views = measured["calibrations"]
    names = [name for name in views if name != "all" or len(views) > 2]
    rows = [line for name in names for line in _lines(name, views[name][view])]
    said = (
        f"In `{measured['dataset']}`, windows with an arterial line were filled by "
        f"{measured['model_id']} as if they had none: {measured['windows']} windows of "
        f"{measured['subjects']} subjects. Errors are synthetic less measured, {_VIEWS[view]}; ME "
        "and SD over windows, MAE, coverage of the 90 % interval and its width over subjects. The "
        "audit is of the whole data set, not of the windows that were selected here."
    )
    beside = (
        "Beside it, on the same windows and by the shipped correction, stand the last "
        "reading held and the mean of the patient's other audited windows, which nobody knows who "
        "has no line; MAE over subjects."
    )
    compared = [*map(_compared, measured["comparison"])]
    return [said, "\n".join([*_HEAD, *rows]), beside, "\n".join([*_COMPARED, *compared])]


def _lines(calibration: str, figures: Mapping[str, Any]) -> Iterable[str]:
    for pressure in PRESSURES:
        told = figures["pressures"][pressure]
        if not told["windows"]:
            continue
        mae = told["mae"]
        cells = [
            calibration,
            pressure.upper(),
            str(told["groups"]),
            str(told["windows"]),
            f"{_number(told['me'])} ± {_number(told['sd'])}",
            _ranged(mae["mean"], mae["low"], mae["high"]),
            _share(told["coverage"]["mean"]),
            _number(told["width"]["mean"]),
        ]
        yield f"| {' | '.join(cells)} |"


def _compared(row: Mapping[str, Any]) -> str:
    told = [row["calibration"], row["pressure"].upper(), row["method"], str(row["windows"])]
    told.append(_ranged(*(row[f"mae{end}"] for end in _ENDS)))
    less = [row[f"difference{end}"] for end in _ENDS]
    told.append("" if row["method"] == "model" else _ranged(*less))
    return f"| {' | '.join(told)} |"


def _ranged(value: float | None, low: float | None, high: float | None) -> str:
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{100 * value:.1f} %"
